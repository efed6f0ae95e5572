import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.rocketmq.filter.expression.BooleanExpression;
import org.apache.rocketmq.filter.expression.ComparisonExpression;
import org.apache.rocketmq.filter.expression.EvaluationContext;
import org.apache.rocketmq.filter.expression.MQFilterException;
import org.apache.rocketmq.filter.parser.SelectorParser;
import org.apache.rocketmq.filter.parser.Token;

/**
 * Evaluates SQL92 expressions with RocketMQ's own filter and writes down what it says. Arguments: file with expressions and
 * property sets, file for the results.
 *
 * The input is a JSON document in which each property set (an object of strings) and each expression (a string) has a line of
 * its own; nothing else is read from it. The output has one line for each expression:
 *
 * <pre>
 * {"expression":"a = 1","results":"tfn!"}                       one letter for each property set: true, false, null (unknown),
 *                                                               ! when the evaluation threw an exception
 * {"expression":"a = 1 b","results":"tfn!","unread":[1,7]}      line and column of the first token that was not looked at
 * {"expression":"a =","refused":"ParseException","at":[1,2]}    the expression was refused; the place where it is told
 * </pre>
 *
 * tests/golden/sql92-5.5.0.json and sql92-4.9.7.json come from
 * {@code java -cp "classes:jars of the release/*" Sql92Results tests/golden/sql92-expressions.json FILE} on JDK 17.
 */
public final class Sql92Results {
    private static final String PLACE = "at line ";

    public static void main(String[] args) throws Exception {
        List<Map<String, String>> propertySets = new ArrayList<>();
        List<String> expressions = new ArrayList<>();
        for (String line : Files.readAllLines(Paths.get(args[0]), StandardCharsets.UTF_8)) {
            String text = line.trim();
            if (text.startsWith("\"") && !text.endsWith("[")) {
                expressions.add(strings(text).get(0));
            } else if (text.startsWith("{") && text.contains("}")) {
                propertySets.add(map(strings(text)));
            }
        }
        Path output = Paths.get(args[1]);
        StringBuilder json = new StringBuilder("[\n");
        for (int i = 0; i < expressions.size(); i++) {
            json.append(i == 0 ? "" : ",\n").append(record(expressions.get(i), propertySets));
        }
        Files.write(output, json.append("\n]\n").toString().getBytes(StandardCharsets.UTF_8));
        System.out.printf("%d expressions, %d property sets%n", expressions.size(), propertySets.size());
        System.exit(0);
    }

    private static String record(String expression, List<Map<String, String>> propertySets) {
        String head = "{\"expression\":" + quote(expression);
        BooleanExpression compiled;
        try {
            compiled = SelectorParser.parse(expression);
        } catch (MQFilterException e) {
            Throwable cause = e.getCause();
            return head + ",\"refused\":" + quote(cause.getClass().getSimpleName()) + place(cause.getMessage()) + "}";
        }
        StringBuilder results = new StringBuilder();
        for (Map<String, String> properties : propertySets) {
            results.append(evaluate(compiled, properties));
        }
        return head + ",\"results\":" + quote(results.toString()) + unread(expression) + "}";
    }

    private static char evaluate(BooleanExpression expression, Map<String, String> properties) {
        try {
            Object result = expression.evaluate(new Properties(properties));
            return result == null ? 'n' : (Boolean) result ? 't' : 'f';
        } catch (Throwable e) {
            return '!';
        }
    }

    /** RocketMQ's parser stops where the expression cannot go on and does not look whether that is the end. */
    private static String unread(String expression) {
        ComparisonExpression.CONVERT_STRING_EXPRESSIONS.set(true);
        try {
            SelectorParser parser = new SelectorParser(new StringReader(expression));
            parser.JmsSelector();
            Token next = parser.getToken(1);
            return next.kind == 0 ? "" : ",\"unread\":[" + next.beginLine + "," + next.beginColumn + "]";
        } catch (Exception e) {
            throw new IllegalStateException(expression, e);
        } finally {
            ComparisonExpression.CONVERT_STRING_EXPRESSIONS.remove();
        }
    }

    /** The place in "… at line 1, column 5.…". */
    private static String place(String message) {
        int at = message == null ? -1 : message.indexOf(PLACE);
        if (at < 0) {
            return "";
        }
        String[] numbers = message.substring(at + PLACE.length()).split("[^0-9]+", 3);
        return ",\"at\":[" + numbers[0] + "," + numbers[1] + "]";
    }

    private static Map<String, String> map(List<String> strings) {
        Map<String, String> map = new HashMap<>();
        for (int i = 0; i + 1 < strings.size(); i += 2) {
            map.put(strings.get(i), strings.get(i + 1));
        }
        return map;
    }

    /** All JSON strings in a line. */
    private static List<String> strings(String line) {
        List<String> strings = new ArrayList<>();
        StringBuilder string = null;
        for (int i = 0; i < line.length(); i++) {
            char c = line.charAt(i);
            if (string == null) {
                string = c == '"' ? new StringBuilder() : null;
            } else if (c == '"') {
                strings.add(string.toString());
                string = null;
            } else if (c != '\\') {
                string.append(c);
            } else if (line.charAt(++i) == 'u') {
                string.append((char) Integer.parseInt(line.substring(i + 1, i + 5), 16));
                i += 4;
            } else {
                int escape = "nrtfb".indexOf(line.charAt(i));
                string.append(escape < 0 ? line.charAt(i) : "\n\r\t\f\b".charAt(escape));
            }
        }
        return strings;
    }

    private static String quote(String text) {
        StringBuilder json = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') {
                json.append('\\').append(c);
            } else if (c < ' ' || c > '~') {
                json.append(String.format("\\u%04x", (int) c));
            } else {
                json.append(c);
            }
        }
        return json.append('"').toString();
    }

    /** The properties of a message, as a broker gives them to an expression. */
    private static final class Properties implements EvaluationContext {
        private final Map<String, String> properties;

        Properties(Map<String, String> properties) {
            this.properties = properties;
        }

        @Override
        public Object get(String name) {
            return properties.get(name);
        }

        @Override
        public Map<String, Object> keyValues() {
            return new HashMap<String, Object>(properties);
        }
    }
}
