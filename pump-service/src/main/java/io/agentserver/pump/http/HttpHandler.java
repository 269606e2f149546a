package io.agentserver.pump.http;

import com.standardwebhooks.Webhook;
import com.standardwebhooks.exceptions.EmptyWebhookSecretException;
import com.standardwebhooks.exceptions.WebhookSigningException;
import io.agentserver.envelope.RespondToken;
import io.agentserver.envelope.SigningKey;
import io.agentserver.organism.Handler;
import io.agentserver.organism.ServiceAnswer;
import io.agentserver.pump.handler.HandlerCall;
import io.agentserver.pump.handler.HandlerResult;
import io.agentserver.pump.handler.MessageHandler;
import io.agentserver.pump.handler.ServiceOutputs;
import io.agentserver.pump.handler.Spent;
import io.agentserver.pump.handler.SystemErrors.Code;
import io.agentserver.pump.trace.Tracing;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.ManagedHttpClientConnectionFactory;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.config.Http1Config;
import org.apache.hc.core5.http.io.entity.ByteArrayEntity;
import org.apache.hc.core5.util.TimeValue;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * {@code handler: http}: POSTs the envelope to the tenant's service, signed by Standard Webhooks
 * (https://www.standardwebhooks.com), with a {@code webhook-id} that is the same for each
 * run of a message in its thread: the service recognises a repeat by it. Answers
 * of at most 1 MiB; no redirects, no compression, no cookies, no proxy, no private addresses. 5xx, 429 and silence are worth
 * another try, other refusals are not. A 202 says that the service answers later, with the token that it was given. Blocks its virtual thread; an interrupt closes the connection.
 */
public final class HttpHandler implements MessageHandler, AutoCloseable {
    /** With it, the service may answer later at {@code POST /v1/respond/{token}}. */
    static final String RESPOND_TOKEN = "agentserver-respond-token";

    /** Until when, in ISO 8601. */
    static final String RESPOND_BY = "agentserver-respond-by";

    private static final Timeout CONNECT = Timeout.ofSeconds(5);

    /** After a rush thousands are left; a service that closes them would leave them half closed here for ever. */
    private static final TimeValue IDLE = TimeValue.ofSeconds(30);

    /** As many as the pump has messages in flight: with fewer, a slow service's calls would fail for want of one. */
    private static final int MOST_CONNECTIONS = 32_768;

    /** Of a connection's two; thousands wait at once, and envelopes are small. */
    private static final int BUFFER_BYTES = 2_048;

    private final CloseableHttpClient http;
    private final SigningKey key;
    private final Clock clock;
    private final Tracing tracing;

    /**
     * @param allowLoopback in dev alone
     * @param key signs what a service may answer later with
     */
    public HttpHandler(boolean allowLoopback, SigningKey key, Clock clock, Tracing tracing) {
        this(allowLoopback, key, clock, tracing, IDLE);
    }

    /** @param idle after which a connection that nobody uses is closed, or up to twice that */
    HttpHandler(boolean allowLoopback, SigningKey key, Clock clock, Tracing tracing, TimeValue idle) {
        this.key = key;
        this.clock = clock;
        this.tracing = tracing;
        this.http = HttpClients.custom()
                .setConnectionManager(PoolingHttpClientConnectionManagerBuilder.create()
                        .setDnsResolver(new PublicAddresses(allowLoopback))
                        .setMaxConnTotal(MOST_CONNECTIONS)
                        .setMaxConnPerRoute(MOST_CONNECTIONS)
                        .setConnectionFactory(ManagedHttpClientConnectionFactory.builder()
                                .http1Config(Http1Config.custom()
                                        .setBufferSize(BUFFER_BYTES)
                                        .build())
                                .build())
                        .setDefaultConnectionConfig(ConnectionConfig.custom()
                                .setConnectTimeout(CONNECT)
                                .setValidateAfterInactivity(Timeout.ofSeconds(2))
                                .setTimeToLive(Timeout.ofMinutes(5)) // an old address is let go of
                                .build())
                        .build())
                .disableRedirectHandling()
                .disableContentCompression()
                .disableCookieManagement()
                .disableAuthCaching()
                .disableAutomaticRetries()
                .evictExpiredConnections()
                .evictIdleConnections(idle)
                .setUserAgent("AgentServer")
                .build();
    }

    @Override
    public HandlerResult handle(HandlerCall call) {
        if (!(call.listener().handler() instanceof Handler.Http service)) {
            throw new IllegalArgumentException("listener " + call.listener().name() + " is not an http listener");
        }
        try {
            return http.execute(request(call, service), response -> result(call, response));
        } catch (PublicAddresses.Forbidden e) {
            return HandlerResult.failed(Code.HANDLER, "the handler's address is not allowed");
        } catch (IOException e) {
            return again("the service cannot be reached: " + e, false);
        }
    }

    private HttpPost request(HandlerCall call, Handler.Http service) {
        String envelope = call.message().xml();
        String id = call.onceId().toString();
        long now = clock.instant().getEpochSecond();
        HttpPost post = new HttpPost(service.url());
        post.setConfig(RequestConfig.custom()
                .setConnectionRequestTimeout(CONNECT)
                .setResponseTimeout(Timeout.of(call.time().toMillis(), TimeUnit.MILLISECONDS))
                .build());
        post.setHeader("webhook-id", id);
        post.setHeader("webhook-timestamp", Long.toString(now));
        post.setHeader("webhook-signature", signature(service.secret(), id, now, envelope));
        post.setHeader("Accept", "application/xml");
        post.setHeader(RESPOND_TOKEN, token(call));
        post.setHeader(
                RESPOND_BY, call.answerBy().truncatedTo(ChronoUnit.SECONDS).toString());
        tracing.inject(post::setHeader);
        post.setEntity(new ByteArrayEntity(
                envelope.getBytes(StandardCharsets.UTF_8),
                ContentType.create("application/xml", StandardCharsets.UTF_8)));
        return post;
    }

    private String token(HandlerCall call) {
        return RespondToken.issue(
                key,
                new RespondToken.Asked(
                        call.tenant(),
                        call.conversation(),
                        call.thread(),
                        call.id(),
                        call.listener().name(),
                        call.version(),
                        call.answerBy()));
    }

    private static String signature(String secret, String id, long timestamp, String body) {
        try {
            return new Webhook(secret).sign(id, timestamp, body);
        } catch (EmptyWebhookSecretException | WebhookSigningException e) {
            throw new IllegalStateException("the secret was checked with the organism", e);
        }
    }

    private static HandlerResult result(HandlerCall call, ClassicHttpResponse response) throws IOException {
        int status = response.getCode();
        return switch (status) {
            case 200 -> read(call, response.getEntity());
            case 204 -> new HandlerResult.Done(List.of(), Spent.NOTHING);
            case 202 -> new HandlerResult.Awaiting(call.answerBy());
            case 408, 425, 429 -> again("the service answers " + status, true);
            default ->
                status >= 500
                        ? again("the service answers " + status, false)
                        : HandlerResult.failed(Code.HANDLER, "the handler answered " + status);
        };
    }

    private static HandlerResult read(HandlerCall call, @Nullable HttpEntity entity) throws IOException {
        byte[] body = new byte[0];
        if (entity != null) {
            try (InputStream in = entity.getContent()) {
                body = in.readNBytes(ServiceAnswer.MOST_BYTES + 1);
            }
        }
        if (body.length > ServiceAnswer.MOST_BYTES) {
            return HandlerResult.failed(Code.HANDLER, "the handler's answer is over 1 MiB");
        }
        return ServiceOutputs.of(body, call.listener());
    }

    private static HandlerResult again(String reason, boolean answered) {
        return new HandlerResult.Again(Code.HANDLER, reason, "the handler did not answer", Spent.NOTHING, answered);
    }

    @Override
    public void close() throws IOException {
        http.close();
    }
}
