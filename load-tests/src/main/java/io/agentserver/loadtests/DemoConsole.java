package io.agentserver.loadtests;

import java.io.IOException;
import java.net.CookieManager;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The console of {@code ./agentserver dev}, as the demo's owner sees it. */
final class DemoConsole implements AutoCloseable {
    static final String USUAL_URL = "http://127.0.0.1:8084/console";

    private static final Pattern TOKEN = Pattern.compile("name=\"_csrf\"[^>]*value=\"([^\"]+)\"");

    private final String url;
    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .cookieHandler(new CookieManager())
            .build();

    private DemoConsole(String url) {
        this.url = url;
    }

    /** @throws WrongArguments if the console has no demo sign-in */
    static DemoConsole signIn(String url) throws IOException, InterruptedException {
        DemoConsole console = new DemoConsole(url);
        Matcher token = TOKEN.matcher(new String(console.read("/sign-in"), StandardCharsets.UTF_8));
        if (!token.find()) {
            console.close();
            throw new WrongArguments(url + " has no demo sign-in: start ./agentserver dev");
        }
        HttpResponse<Void> in = console.http.send(
                HttpRequest.newBuilder(URI.create(url + "/sign-in/demo"))
                        .header("Content-Type", "application/x-www-form-urlencoded")
                        .POST(BodyPublishers.ofString("role=owner&_csrf=" + token.group(1)))
                        .build(),
                BodyHandlers.discarding());
        if (in.statusCode() != 302) {
            console.close();
            throw new IOException("the sign-in answered " + in.statusCode());
        }
        return console;
    }

    /** A page of the org {@code demo}, whole. */
    byte[] page(String name) throws IOException, InterruptedException {
        return read("/demo/" + name);
    }

    @Override
    public void close() {
        http.close();
    }

    private byte[] read(String path) throws IOException, InterruptedException {
        HttpResponse<byte[]> answer =
                http.send(HttpRequest.newBuilder(URI.create(url + path)).build(), BodyHandlers.ofByteArray());
        if (answer.statusCode() != 200) {
            throw new IOException(path + " answered " + answer.statusCode());
        }
        return answer.body();
    }
}
