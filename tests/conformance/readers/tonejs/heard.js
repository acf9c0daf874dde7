// Prints what @tonejs/midi finds in a file, in the words of tests/conformance/said.py. It
//
// - keeps the first track's name and tempo in a header, and not that track, since it has no notes;
// - reads names byte by byte, each as a character: as Latin-1;
// - gives a track without notes channel 0 and program 0, which the file does not say;
// - divides velocities by 127, and tells the tempo in quarter notes a minute.

const { readFileSync } = require("node:fs");
const { Midi } = require("@tonejs/midi");

const { header, tracks } = new Midi(readFileSync(process.argv[2]));

const name = (text) => `name ${Buffer.from(text, "latin1").toString("hex")}`;

const lines = [`division ${header.ppq}`, "track", name(header.name)];
for (const { ticks, bpm } of header.tempos) lines.push(`tempo ${ticks} ${Math.round(60_000_000 / bpm)}`);
for (const track of tracks) {
  lines.push("track", name(track.name));
  if (track.notes.length > 0) lines.push(`program ${track.channel + 1} ${track.instrument.number}`);
  for (const { ticks, durationTicks, midi, velocity } of track.notes) {
    const end = ticks + durationTicks;
    lines.push(`note ${ticks} ${end} ${track.channel + 1} ${midi} ${Math.round(velocity * 127)}`);
  }
}
console.log(lines.join("\n"));
