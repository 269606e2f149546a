package io.agentserver.buffer.grpc;

import io.agentserver.buffer.journal.ConversationJournal;
import io.agentserver.buffer.journal.ConversationReader;
import io.agentserver.buffer.journal.ConversationWatch;
import io.agentserver.buffer.journal.DeletedTenants;
import io.agentserver.buffer.journal.DueIndex;
import io.agentserver.buffer.journal.Pruner;
import io.agentserver.buffer.journal.Wakeups;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.TenantErasure;
import io.agentserver.buffer.v1.AnswerOutcome;
import io.agentserver.buffer.v1.AnswerReply;
import io.agentserver.buffer.v1.AnswerRequest;
import io.agentserver.buffer.v1.AwaitTurnReply;
import io.agentserver.buffer.v1.AwaitTurnRequest;
import io.agentserver.buffer.v1.AwaitedReply;
import io.agentserver.buffer.v1.AwaitedRequest;
import io.agentserver.buffer.v1.BeginReply;
import io.agentserver.buffer.v1.BeginRequest;
import io.agentserver.buffer.v1.BufferGrpc;
import io.agentserver.buffer.v1.CancelReply;
import io.agentserver.buffer.v1.CancelRequest;
import io.agentserver.buffer.v1.CompleteReply;
import io.agentserver.buffer.v1.CompleteRequest;
import io.agentserver.buffer.v1.DueReply;
import io.agentserver.buffer.v1.DueRequest;
import io.agentserver.buffer.v1.EraseReply;
import io.agentserver.buffer.v1.EraseRequest;
import io.agentserver.buffer.v1.EraseTenantReply;
import io.agentserver.buffer.v1.EraseTenantRequest;
import io.agentserver.buffer.v1.ListReply;
import io.agentserver.buffer.v1.ListRequest;
import io.agentserver.buffer.v1.MessageRef;
import io.agentserver.buffer.v1.ParkReply;
import io.agentserver.buffer.v1.ParkRequest;
import io.agentserver.buffer.v1.PruneReply;
import io.agentserver.buffer.v1.PruneRequest;
import io.agentserver.buffer.v1.ReadReply;
import io.agentserver.buffer.v1.ReadRequest;
import io.agentserver.buffer.v1.StatsReply;
import io.agentserver.buffer.v1.StatsRequest;
import io.agentserver.buffer.v1.Stop;
import io.agentserver.buffer.v1.StopsRequest;
import io.agentserver.buffer.v1.WatchEvent;
import io.agentserver.buffer.v1.WatchRequest;
import io.agentserver.envelope.MessageId;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.service.ServiceTokens;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import org.slf4j.MDC;

import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;

/**
 * The journal over gRPC (buffer.proto). Each call runs on a virtual thread of its own, as its token's tenant; another
 * tenant's conversation is refused before anything is looked up.
 */
public final class BufferEndpoint extends BufferGrpc.BufferImplBase {
    private static final int MOST_AWAITED = 1_000;
    private static final List<String> CALLS = List.of(
            "park",
            "answer",
            "erase",
            "erase_tenant",
            "erase_backups",
            "prune",
            "cancel",
            "due",
            "awaited",
            "read",
            "list",
            "stats");
    private static final String ANSWER = "ANSWER_";
    private static final List<AnswerOutcome> OUTCOMES = List.of(
            AnswerOutcome.ANSWER_TAKEN,
            AnswerOutcome.ANSWER_REPEATED,
            AnswerOutcome.ANSWER_DIFFERS,
            AnswerOutcome.ANSWER_TOO_LATE,
            AnswerOutcome.ANSWER_UNKNOWN);

    private final ConversationJournal journal;
    private final ConversationReader reader;
    private final DueIndex due;
    private final Pruner pruner;
    private final DeletedTenants deleted;
    private final ForgottenBackups backups;
    private final Wakeups wakeups;
    private final Timer begins;
    private final Timer completes;
    private final Map<String, Timer> calls = new HashMap<>();
    private final Map<AnswerOutcome, Counter> answers = new EnumMap<>(AnswerOutcome.class);

    public BufferEndpoint(
            ConversationJournal journal,
            ConversationReader reader,
            DueIndex due,
            Pruner pruner,
            DeletedTenants deleted,
            ForgottenBackups backups,
            Wakeups wakeups,
            MeterRegistry meters) {
        this.journal = journal;
        this.reader = reader;
        this.due = due;
        this.pruner = pruner;
        this.deleted = deleted;
        this.backups = backups;
        this.wakeups = wakeups;
        CallTimers timers = new CallTimers(meters);
        this.begins = timers.step("begin");
        this.completes = timers.step("complete");
        CALLS.forEach(call -> calls.put(call, timers.call(call)));
        for (AnswerOutcome outcome : OUTCOMES) {
            answers.put(
                    outcome,
                    Counter.builder("agentserver.late.answers")
                            .tag(
                                    "outcome",
                                    outcome.name().substring(ANSWER.length()).toLowerCase(Locale.ROOT))
                            .description("late answers of services, by what became of them")
                            .register(meters));
        }
    }

    @Override
    public void begin(BeginRequest request, StreamObserver<BeginReply> replies) {
        answer(replies, () -> {
            ConversationKey key = key(request.getTenant(), request.getConversation());
            try (var message = MDC.putCloseable("message", request.getMessage());
                    var thread = MDC.putCloseable("thread", request.getThread())) {
                return deleted.test(key.tenant()) ? OfDeleted.BEGIN : begins.record(() -> journal.begin(key, request));
            }
        });
    }

    @Override
    public void complete(CompleteRequest request, StreamObserver<CompleteReply> replies) {
        answer(replies, () -> {
            ConversationKey key = key(request.getTenant(), request.getConversation());
            try (var message = MDC.putCloseable("message", request.getMessage());
                    var thread = MDC.putCloseable("thread", request.getThread())) {
                return deleted.test(key.tenant())
                        ? OfDeleted.COMPLETE
                        : completes.record(() -> journal.complete(key, request));
            }
        });
    }

    @Override
    public void park(ParkRequest request, StreamObserver<ParkReply> replies) {
        answer(replies, timed("park", () -> {
            ConversationKey key = key(request.getTenant(), request.getConversation());
            return deleted.test(key.tenant()) ? OfDeleted.PARK : journal.park(key, request);
        }));
    }

    @Override
    public void answer(AnswerRequest request, StreamObserver<AnswerReply> replies) {
        answer(replies, timed("answer", () -> {
            ConversationKey key = key(request.getTenant(), request.getConversation());
            AnswerReply reply = deleted.test(key.tenant()) ? OfDeleted.ANSWER : journal.answer(key, request);
            Objects.requireNonNull(answers.get(reply.getOutcome())).increment();
            return reply;
        }));
    }

    @Override
    public void erase(EraseRequest request, StreamObserver<EraseReply> replies) {
        answer(replies, timed("erase", () -> {
            ConversationKey key = key(request.getTenant(), request.getConversation());
            return deleted.test(key.tenant()) ? EraseReply.getDefaultInstance() : backups.erase(key);
        }));
    }

    @Override
    public void prune(PruneRequest request, StreamObserver<PruneReply> replies) {
        answer(replies, timed("prune", () -> {
            ConversationKey key = key(request.getTenant(), request.getConversation());
            return PruneReply.newBuilder()
                    .setFreedBytes(deleted.test(key.tenant()) ? 0 : pruner.prune(key))
                    .build();
        }));
    }

    @Override
    public void eraseTenant(EraseTenantRequest request, StreamObserver<EraseTenantReply> replies) {
        answer(replies, timed("erase_tenant", () -> {
            requirePlatform();
            TenantErasure.Swept swept = deleted.erase(new TenantId(request.getTenant()), request.getCursor());
            return EraseTenantReply.newBuilder()
                    .setFreed(swept.freed())
                    .setCursor(swept.cursor())
                    .build();
        }));
    }

    @Override
    public void eraseBackups(EraseTenantRequest request, StreamObserver<EraseTenantReply> replies) {
        answer(replies, timed("erase_backups", () -> {
            requirePlatform();
            return backups.eraseSome(new TenantId(request.getTenant()));
        }));
    }

    @Override
    public void cancel(CancelRequest request, StreamObserver<CancelReply> replies) {
        answer(replies, timed("cancel", () -> {
            ConversationKey key = key(request.getTenant(), request.getConversation());
            return deleted.test(key.tenant()) ? CancelReply.getDefaultInstance() : journal.cancel(key);
        }));
    }

    @Override
    public void due(DueRequest request, StreamObserver<DueReply> replies) {
        answer(replies, timed("due", () -> {
            requirePlatform();
            return due.take(request);
        }));
    }

    @Override
    public void stops(StopsRequest request, StreamObserver<Stop> stops) {
        StopStream stream = new StopStream((ServerCallStreamObserver<Stop>) stops, wakeups);
        try {
            requirePlatform();
        } catch (RuntimeException e) {
            stops.onError(Failures.status(e));
            return;
        }
        // not on this thread: gRPC tells a call of its end on the thread that handles it
        Thread.ofVirtual().name("stops").start(stream);
    }

    @Override
    public void awaited(AwaitedRequest request, StreamObserver<AwaitedReply> replies) {
        answer(replies, timed("awaited", () -> {
            requirePlatform();
            if (request.getMessagesCount() > MOST_AWAITED) {
                throw new IllegalArgumentException("messages: more than " + MOST_AWAITED);
            }
            AwaitedReply.Builder reply = AwaitedReply.newBuilder();
            for (MessageRef message : request.getMessagesList()) {
                TenantId tenant = new TenantId(message.getTenant());
                reply.addAwaited(!deleted.test(tenant)
                        && journal.isAwaited(
                                new ConversationKey(tenant, ThreadId.parse(message.getConversation())),
                                ThreadId.parse(message.getThread()),
                                MessageId.parse(message.getMessage())));
            }
            return reply.build();
        }));
    }

    @Override
    public void read(ReadRequest request, StreamObserver<ReadReply> replies) {
        answer(replies, timed("read", () -> {
            ConversationKey key = key(request.getTenant(), request.getConversation());
            return deleted.test(key.tenant()) ? OfDeleted.READ : reader.read(key, request);
        }));
    }

    @Override
    public void list(ListRequest request, StreamObserver<ListReply> replies) {
        answer(replies, timed("list", () -> {
            TenantId tenant = tenant(request.getTenant());
            return deleted.test(tenant) ? ListReply.getDefaultInstance() : reader.list(tenant, request);
        }));
    }

    @Override
    public void stats(StatsRequest request, StreamObserver<StatsReply> replies) {
        answer(replies, timed("stats", () -> {
            TenantId tenant = tenant(request.getTenant());
            return deleted.test(tenant) ? StatsReply.getDefaultInstance() : reader.stats(tenant, request);
        }));
    }

    @Override
    public void awaitTurn(AwaitTurnRequest request, StreamObserver<AwaitTurnReply> replies) {
        answer(replies, () -> {
            ConversationKey key = key(request.getTenant(), request.getConversation());
            return deleted.test(key.tenant()) ? AwaitTurnReply.getDefaultInstance() : reader.awaitTurn(key, request);
        });
    }

    @Override
    public void watch(WatchRequest request, StreamObserver<WatchEvent> events) {
        StreamWatcher watcher = new StreamWatcher((ServerCallStreamObserver<WatchEvent>) events);
        Runnable watch = () -> {
            try {
                ConversationKey key = key(request.getTenant(), request.getConversation());
                if (new ConversationWatch(journal, wakeups, key, request.getAfter(), deleted, watcher).run()) {
                    watcher.end();
                    return;
                }
                watcher.end(Status.UNAVAILABLE
                        .withDescription("the buffer stops, watch again")
                        .asRuntimeException());
            } catch (RuntimeException e) {
                watcher.end(Failures.status(e));
            } finally {
                MDC.clear();
            }
        };
        // not on this thread: gRPC tells a call of its end on the thread that handles it
        Thread.ofVirtual().name("watch").start(Context.current().wrap(watch));
    }

    private <R> Supplier<R> timed(String call, Supplier<R> reply) {
        return () -> CallTimers.timed(Objects.requireNonNull(calls.get(call)), reply);
    }

    private static <R> void answer(StreamObserver<R> replies, Supplier<R> reply) {
        R answer;
        try {
            answer = reply.get();
        } catch (RuntimeException e) {
            replies.onError(Failures.status(e));
            return;
        } finally {
            MDC.remove("tenant");
            MDC.remove("conversation");
        }
        replies.onNext(answer);
        replies.onCompleted();
    }

    private static ConversationKey key(String tenant, String conversation) {
        ConversationKey key = new ConversationKey(tenant(tenant), ThreadId.parse(conversation));
        MDC.put("tenant", tenant);
        MDC.put("conversation", conversation);
        return key;
    }

    private static void requirePlatform() {
        if (!ServiceTokenInterceptor.caller().equals(ServiceTokens.PLATFORM)) {
            throw Status.PERMISSION_DENIED
                    .withDescription("this call is the platform's, not a tenant's")
                    .asRuntimeException();
        }
    }

    private static TenantId tenant(String tenant) {
        TenantId caller = ServiceTokenInterceptor.caller();
        if (!caller.value().equals(tenant)) {
            throw Status.PERMISSION_DENIED
                    .withDescription("the service token is another tenant's")
                    .asRuntimeException();
        }
        return caller;
    }
}
