//! Prints what midly finds in a file, in the words of tests/conformance/said.py.

use std::{env, error::Error, fmt::Write, fs};

use midly::{MetaMessage, MidiMessage, Smf, Timing, TrackEventKind};

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).ok_or("which file?")?;
    let file = fs::read(path)?;
    let song = Smf::parse(&file)?;
    let Timing::Metrical(division) = song.header.timing else {
        return Err("the division is not in ticks a quarter note".into());
    };
    let mut said = format!("division {division}\n");
    for track in &song.tracks {
        said.push_str("track\n");
        let mut tick: u64 = 0;
        for event in track {
            tick += u64::from(event.delta.as_int());
            say(&mut said, tick, event.kind)?;
        }
    }
    print!("{said}");
    Ok(())
}

fn say(said: &mut String, tick: u64, event: TrackEventKind) -> Result<(), Box<dyn Error>> {
    use MetaMessage::{EndOfTrack, Tempo, TimeSignature, TrackName};
    match event {
        TrackEventKind::Meta(TrackName(name)) => {
            let hex: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
            writeln!(said, "name {hex}")?;
        }
        TrackEventKind::Meta(Tempo(tempo)) => writeln!(said, "tempo {tick} {tempo}")?,
        TrackEventKind::Meta(TimeSignature(..) | EndOfTrack) => {}
        TrackEventKind::Midi { channel, message } => match message {
            MidiMessage::ProgramChange { program } => writeln!(said, "program {} {program}", channel.as_int() + 1)?,
            MidiMessage::NoteOn { key, vel } => writeln!(said, "on {tick} {} {key} {vel}", channel.as_int() + 1)?,
            other => return Err(format!("{other:?}").into()),
        },
        other => return Err(format!("{other:?}").into()),
    }
    Ok(())
}
