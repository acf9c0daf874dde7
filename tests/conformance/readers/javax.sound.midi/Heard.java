import java.io.File;
import java.util.HexFormat;
import javax.sound.midi.MetaMessage;
import javax.sound.midi.MidiMessage;
import javax.sound.midi.MidiSystem;
import javax.sound.midi.Sequence;
import javax.sound.midi.ShortMessage;
import javax.sound.midi.Track;

/** Prints what javax.sound.midi finds in a file, in the words of tests/conformance/said.py. */
class Heard {
    private static final int TRACK_NAME = 0x03;
    private static final int END_OF_TRACK = 0x2F;
    private static final int TEMPO = 0x51;
    private static final int TIME_SIGNATURE = 0x58;

    public static void main(String[] arguments) throws Exception {
        Sequence song = MidiSystem.getSequence(new File(arguments[0]));
        var said = new StringBuilder();
        said.append("division %d%n".formatted(song.getResolution()));
        for (Track track : song.getTracks()) {
            said.append("track\n");
            for (int at = 0; at < track.size(); at++) {
                said.append(said(track.get(at).getTick(), track.get(at).getMessage()));
            }
        }
        System.out.print(said);
    }

    private static String said(long tick, MidiMessage message) {
        return message instanceof MetaMessage meta ? of(tick, meta) : of(tick, (ShortMessage) message);
    }

    private static String of(long tick, MetaMessage meta) {
        String data = HexFormat.of().formatHex(meta.getData());
        return switch (meta.getType()) {
            case TRACK_NAME -> "name %s\n".formatted(data);
            case TEMPO -> "tempo %d %d\n".formatted(tick, Integer.parseInt(data, 16));
            case TIME_SIGNATURE, END_OF_TRACK -> "";
            default -> throw new IllegalArgumentException("meta-event " + meta.getType());
        };
    }

    private static String of(long tick, ShortMessage message) {
        int channel = message.getChannel() + 1;
        return switch (message.getCommand()) {
            case ShortMessage.PROGRAM_CHANGE -> "program %d %d\n".formatted(channel, message.getData1());
            case ShortMessage.NOTE_ON ->
                "on %d %d %d %d\n".formatted(tick, channel, message.getData1(), message.getData2());
            default -> throw new IllegalArgumentException("message " + message.getCommand());
        };
    }
}
