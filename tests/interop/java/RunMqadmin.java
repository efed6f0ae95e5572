import java.io.ByteArrayOutputStream;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Base64;
import java.util.List;
import org.apache.rocketmq.tools.command.MQAdminStartup;

/**
 * Runs many commands of mqadmin in one virtual machine, for each takes seconds to start. Arguments: a file with one
 * command a line, its arguments separated by tabs, and the file for the outputs: a line each with standard output and
 * standard error in Base64, separated by a blank. A command that has not ended after ten seconds is interrupted. One whose
 * options are wrong ends the program, and is the first without a line.
 */
public final class RunMqadmin {
    private static final long PATIENCE_MS = 10_000;

    public static void main(String[] args) throws Exception {
        PrintStream out = System.out;
        PrintStream err = System.err;
        PrintStream results = new PrintStream(new FileOutputStream(args[1]), true, "UTF-8");
        for (String line : Files.readAllLines(Paths.get(args[0]), StandardCharsets.UTF_8)) {
            ByteArrayOutputStream stdout = new ByteArrayOutputStream();
            ByteArrayOutputStream stderr = new ByteArrayOutputStream();
            System.setOut(new PrintStream(stdout, true, "UTF-8"));
            System.setErr(new PrintStream(stderr, true, "UTF-8"));
            // Commands keep clients in fields and cannot run twice; main0 makes them anew.
            forgetCommands();
            Thread command = new Thread(() -> MQAdminStartup.main0(line.split("\t", -1), null));
            command.start();
            command.join(PATIENCE_MS);
            command.interrupt();
            command.join(PATIENCE_MS);
            results.println(encode(stdout) + " " + encode(stderr));
        }
        System.setOut(out);
        System.setErr(err);
        results.close();
        System.exit(0);
    }

    /** The list has different names in different releases. */
    private static void forgetCommands() throws Exception {
        for (Field field : MQAdminStartup.class.getDeclaredFields()) {
            if (!List.class.isAssignableFrom(field.getType())) continue;
            field.setAccessible(true);
            ((List<?>) field.get(null)).clear();
        }
    }

    private static String encode(ByteArrayOutputStream bytes) {
        return Base64.getEncoder().encodeToString(bytes.toByteArray());
    }
}
