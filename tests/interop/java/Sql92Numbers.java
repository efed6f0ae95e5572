import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Writes down what the JDK makes of texts as numbers, which decides what SQL92 filters make of properties. Argument: the file
 * to write. One line for each text: {"text":"…","int":"…","long":"…","bits":"…"}, the last being those of the double in
 * hexadecimal; what is missing is refused with a NumberFormatException.
 *
 * tests/golden/java-numbers.json comes from it, with JDK 17.
 */
public final class Sql92Numbers {
    private static final String[] TEXTS = {
        "", " ", "0", "-0", "+0", "00", "-00", "007", "5", "+5", "-5", "--5", "+-5", "5-", "5 ", " 5", "\t5\n", "\u00a05", "5\u0000", "5L", "5l", "5d", "5D",
        "5f", "5F", "5df", "d", "f", "5.", ".5", ".", "-.", "+.5", "5..", "5.5.5", "1e3", "1E3", "1e+3", "1e-3", "1e", "1e+", "e1", "1e1.5", "1_000", "1,000",
        "2147483647", "2147483648", "-2147483648", "-2147483649", "+2147483647", "0000000000000002147483647", "9223372036854775807", "9223372036854775808",
        "-9223372036854775808", "-9223372036854775809", "00000000000000000009223372036854775807", "99999999999999999999999999",
        "\u0663", "-\u0663", "\uff11\uff12", "\u0664\u0032", "\u06f5", "\u0967", "\u0e51", "\u1811", "\ua621", "\ud835\udfce", "\u00b2", "\u2460", "\u4e00", "\uff0d5",
        "NaN", "-NaN", "+NaN", "nan", "Nan", "NaN ", "NaNd", "Infinity", "-Infinity", "+Infinity", "infinity", "INF", "Infinityd", "-0.0", "0.0", "0e0", "0e999999999999", "-0e5",
        "1e400", "-1e400", "1e99999999999999999999", "1e-99999999999999999999", "4.9e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "2.5e-324", "5e-324",
        "2.2250738585072011e-308", "2.2250738585072012e-308", "2.2250738585072014e-308", "1.7976931348623157e308", "1.7976931348623158e308", "1.7976931348623159e308",
        "0.1", "0.30000000000000004", "9007199254740992", "9007199254740993", "9007199254740993.0", "9007199254740992.99999999999999999", "123456789012345678901234567890",
        "0x1", "0x1p0", "0X1P0", "0x1.p1", "0x.8p1", "0x.p1", "0xp1", "0x1.8p", "0x1.8p+3", "0x1.8p-3", "-0x1.8p3", "+0x1p4", "0x1p3d", "0x1p3f", "0x1p3L", "0xgp1", "0x 1p1", "0x1.8.8p1",
        "0x1.fffffffffffff8p0", "0x1.fffffffffffff7ffffffffp0", "0x1.fffffffffffff800000000000000000001p0", "0x1.ffffffffffffe8p0", "0x1.ffffffffffffe7p0",
        "0x1p-1074", "0x1p-1075", "0x1.8p-1075", "0x1.0000000000001p-1075", "0x3p-1075", "0x3p-1076", "0x1p-1076", "0x1.ffffp-1076", "0x0.8p-1074", "0x1p-1022", "0x1.fffffffffffffp-1023", "0x1.ffffffffffffep-1023",
        "0x1p1023", "0x1p1024", "0x1.fffffffffffffp1023", "0x1.fffffffffffff8p1023", "0x1.fffffffffffff7p1023", "0x1p99999999999", "0x1p-99999999999", "0x0p99999999999", "-0x0p0", "0x0.0p0",
        "0x0000000000000000000000000000000001p0", "0x100000000000000000000000000000p0", "0x.000000000000000000000000000001p0", "0x123456789abcdef0123456789abcdefp-40", "0xfffffffffffffbffp0", "0xfffffffffffffc00p0", "0xfffffffffffff400p0", "0xfffffffffffff400.0000001p0",
        "true", "abc", "\u0130", "1\u0661", "0b1", "1e3L", "\ufeff5", "5\u3000", "\u20035",
    };
    private static final int RANDOM_TEXTS = 400;
    private static final String[] PIECES = {"0", "1", "5", "9", "f", "a", ".", "e", "p", "-", "+", "0x", "d", " ", "00", "999", "\u0665", "123456789", "e-3", "p-10", "p1020", "e308"};

    public static void main(String[] args) throws Exception {
        List<String> texts = new ArrayList<>(List.of(TEXTS));
        Random random = new Random(92);
        for (int i = 0; i < RANDOM_TEXTS; i++) {
            StringBuilder text = new StringBuilder();
            for (int n = 1 + random.nextInt(7); n > 0; n--) {
                text.append(PIECES[random.nextInt(PIECES.length)]);
            }
            texts.add(text.toString());
        }
        List<String> lines = new ArrayList<>();
        for (String text : texts) {
            lines.add("{\"text\":" + quote(text)
                + member("int", () -> Integer.valueOf(text).toString())
                + member("long", () -> Long.valueOf(text).toString())
                + member("bits", () -> Long.toHexString(Double.doubleToLongBits(Double.valueOf(text)))) + "}");
        }
        Files.write(Paths.get(args[0]), ("[\n" + String.join(",\n", lines) + "\n]\n").getBytes(StandardCharsets.UTF_8));
        System.out.printf("%d texts%n", texts.size());
    }

    private interface Reading {
        String read();
    }

    private static String member(String name, Reading reading) {
        try {
            return ",\"" + name + "\":\"" + reading.read() + "\"";
        } catch (NumberFormatException e) {
            return "";
        }
    }

    private static String quote(String text) {
        StringBuilder json = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            json.append(c < ' ' || c > '~' ? String.format("\\u%04x", (int) c) : String.valueOf(c));
        }
        return json.append('"').toString();
    }
}
