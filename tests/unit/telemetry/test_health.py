"""What the side port answers."""

from __future__ import annotations

import aiohttp
import pytest

from telemetry.health import CannotListen, Health, serve

HOST = "127.0.0.1"
ILL = Health(well=False, told={"why": "1 of 6 lanes is not open.", "lanes": {"render-3": "restoring 45 %"}})


async def answers(path: str, *, alive: Health, ready: Health) -> tuple[int, object]:
    async with (
        serve(HOST, 0, alive=lambda: alive, ready=lambda: ready) as port,
        aiohttp.ClientSession(f"http://{HOST}:{port}") as session,
        session.get(path) as answer,
    ):
        return answer.status, await answer.json()


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_well_is_told_in_a_word(path: str) -> None:
    assert await answers(path, alive=Health(True), ready=Health(True)) == (200, {"status": "ok"})


async def test_what_is_wrong_is_told() -> None:
    told = {"status": "unavailable", "why": ILL.told["why"], "lanes": {"render-3": "restoring 45 %"}}
    assert await answers("/readyz", alive=Health(True), ready=ILL) == (503, told)
    assert await answers("/healthz", alive=ILL, ready=Health(True)) == (503, told)


async def test_a_process_may_be_alive_and_not_ready() -> None:
    assert (await answers("/healthz", alive=Health(True), ready=ILL))[0] == 200


async def test_a_port_that_is_taken_is_named_with_the_setting_that_chooses_another() -> None:
    well = Health(True)
    async with serve(HOST, 0, alive=lambda: well, ready=lambda: well) as port:
        with pytest.raises(CannotListen, match=f"{HOST}:{port}: .* Set MIDI_INGEST_HEALTH_PORT"):
            async with serve(HOST, port, alive=lambda: well, ready=lambda: well):
                pass
