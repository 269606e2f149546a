package io.agentserver.standalone.faults;

import java.nio.file.Path;

/**
 * Where a process ends, as by kill -9, between two steps of its work: a method's entry or its normal exit, counted while a
 * file is there. Byteman puts it there; the platform's code knows nothing of it.
 */
enum CrashPoint {
    PUMP_AFTER_POLL(Role.PUMP, "io.agentserver.pump.log.Lanes", "add", "ENTRY"),
    PUMP_BEFORE_BEGIN(Role.PUMP, "io.agentserver.pump.grpc.GrpcThreadBuffer", "begin", "ENTRY"),
    PUMP_AFTER_BEGIN(Role.PUMP, "io.agentserver.pump.grpc.GrpcThreadBuffer", "begin", "EXIT"),
    PUMP_BEFORE_MODEL(Role.PUMP, "io.agentserver.pump.llm.RouterLlm", "ask", "ENTRY"),
    PUMP_AFTER_MODEL(Role.PUMP, "io.agentserver.pump.llm.RouterLlm", "ask", "EXIT"),
    PUMP_AFTER_SERVICE(Role.PUMP, "io.agentserver.pump.http.HttpHandler", "handle", "EXIT"),
    PUMP_BEFORE_COMPLETE(Role.PUMP, "io.agentserver.pump.grpc.GrpcThreadBuffer", "complete", "ENTRY"),
    PUMP_AFTER_COMPLETE(Role.PUMP, "io.agentserver.pump.grpc.GrpcThreadBuffer", "complete", "EXIT"),
    PUMP_AFTER_PARK(Role.PUMP, "io.agentserver.pump.grpc.GrpcThreadBuffer", "park", "EXIT"),
    PUMP_AFTER_PRODUCE(Role.PUMP, "io.agentserver.pump.log.KafkaOutbox", "append", "EXIT"),
    PUMP_BEFORE_COMMIT(Role.PUMP, "io.agentserver.pump.log.Lanes", "committable", "EXIT"),
    PUMP_AFTER_COMMIT(Role.PUMP, "io.agentserver.pump.log.Lanes", "committed", "ENTRY"),
    GATEWAY_BEFORE_LOG(Role.GATEWAY, "io.agentserver.gateway.log.KafkaMessageLog", "append", "ENTRY"),
    GATEWAY_AFTER_LOG(Role.GATEWAY, "io.agentserver.gateway.log.KafkaMessageLog", "append", "EXIT"),
    GATEWAY_BEFORE_ANSWER(Role.GATEWAY, "io.agentserver.gateway.admission.MessagesEndpoint", "send", "EXIT"),
    BUFFER_BEFORE_DURABLE(Role.BUFFER, "io.agentserver.buffer.store.dynamo.DynamoThreadStore", "append", "ENTRY"),
    BUFFER_AFTER_DURABLE(Role.BUFFER, "io.agentserver.buffer.store.dynamo.DynamoThreadStore", "append", "EXIT"),
    BUFFER_AFTER_HOT(Role.BUFFER, "io.agentserver.buffer.store.redis.RedisThreadStore", "restore", "EXIT"),
    BUFFER_AFTER_DUE(Role.BUFFER, "io.agentserver.buffer.store.dynamo.DynamoDueStore", "put", "EXIT"),
    BUFFER_AFTER_DUE_REMOVED(Role.BUFFER, "io.agentserver.buffer.store.dynamo.DynamoDueStore", "remove", "EXIT"),
    BILLING_BEFORE_POSTING(Role.BILLING, "io.agentserver.billing.ledger.dynamo.DynamoLedgerStore", "post", "ENTRY"),
    BILLING_AFTER_POSTING(Role.BILLING, "io.agentserver.billing.ledger.dynamo.DynamoLedgerStore", "post", "EXIT");

    private final Role role;
    private final String type;
    private final String method;
    private final String place;

    CrashPoint(Role role, String type, String method, String place) {
        this.role = role;
        this.type = type;
        this.method = method;
        this.place = place;
    }

    Role role() {
        return role;
    }

    /** What comes by often enough in a run. */
    int mostPassings() {
        return switch (this) {
            case PUMP_AFTER_PARK, BUFFER_AFTER_DUE, BUFFER_AFTER_DUE_REMOVED -> 4;
            case PUMP_AFTER_SERVICE, PUMP_BEFORE_MODEL, PUMP_AFTER_MODEL -> 10;
            case BILLING_BEFORE_POSTING, BILLING_AFTER_POSTING -> 10;
            default -> 40;
        };
    }

    /** @param passing at which passing, while {@code armed} exists, the process ends */
    String rule(Path armed, int passing) {
        return """
                RULE %1$s
                CLASS %2$s
                METHOD %3$s
                AT %4$s
                BIND armed:java.io.File = new java.io.File("%5$s")
                IF armed.exists() AND incrementCounter("%1$s") == %6$d
                DO traceln("crash point %1$s"), killJVM()
                ENDRULE
                """.formatted(name(), type, method, place, armed, passing);
    }
}
