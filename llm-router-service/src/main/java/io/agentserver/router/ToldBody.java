package io.agentserver.router;

import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.ByteBuffer;
import java.util.concurrent.Flow;

/** A request's body that tells when the client has taken its last byte to send it. Each subscription begins anew. */
final class ToldBody implements BodyPublisher {
    private final BodyPublisher body;
    private final Runnable sent;

    ToldBody(byte[] body, Runnable sent) {
        this.body = BodyPublishers.ofByteArray(body);
        this.sent = sent;
    }

    @Override
    public long contentLength() {
        return body.contentLength();
    }

    @Override
    public void subscribe(Flow.Subscriber<? super ByteBuffer> client) {
        body.subscribe(new Flow.Subscriber<>() {
            private long left = contentLength();

            @Override
            public void onSubscribe(Flow.Subscription subscription) {
                client.onSubscribe(subscription);
            }

            @Override
            public void onNext(ByteBuffer piece) {
                left -= piece.remaining();
                client.onNext(piece);
                if (left <= 0) {
                    sent.run();
                }
            }

            @Override
            public void onError(Throwable failure) {
                client.onError(failure);
            }

            @Override
            public void onComplete() {
                client.onComplete();
            }
        });
    }
}
