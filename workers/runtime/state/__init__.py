"""What a lane remembers, by key, for a window of event time.

`lane_state` is what the rest of the runtime uses: committed values, and the changes of the batch in work laid over
them. Committed values are kept in a `store`: `memory`, or `sqlite` on disk. The changelog topic is the truth, and a
store a copy of it up to an offset that it names itself: `restore` brings it up to the end, `checkpoint` tells whether
it can, `changelog` reads records, `files` tells where stores are and which process has which.
"""

from workers.runtime.state.errors import StateError, StoreError
from workers.runtime.state.lane_state import KeyState, LaneState
from workers.runtime.state.store import Change

__all__ = ["Change", "KeyState", "LaneState", "StateError", "StoreError"]
