package io.agentserver.gateway;

import io.agentserver.localstores.LocalStores;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/** One gateway, with its stores, for all test classes that ask for it; each test makes tenants of its own. */
final class GatewayExtension implements ParameterResolver {
    private static final Namespace NAMESPACE = Namespace.create(GatewayExtension.class);

    record Shared(LocalStores stores, RunningGateway gateway) implements AutoCloseable {
        static Shared start() {
            LocalStores stores = RunningGateway.stores();
            return new Shared(stores, RunningGateway.on(stores));
        }

        @Override
        public void close() {
            gateway.close();
            stores.close();
        }
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext extension) {
        return parameter.getParameter().getType() == RunningGateway.class
                || parameter.getParameter().getType() == LocalStores.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext extension) {
        Shared shared =
                extension.getRoot().getStore(NAMESPACE).computeIfAbsent("shared", k -> Shared.start(), Shared.class);
        return parameter.getParameter().getType() == LocalStores.class ? shared.stores() : shared.gateway();
    }
}
