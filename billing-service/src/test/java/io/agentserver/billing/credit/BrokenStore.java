package io.agentserver.billing.credit;

import io.agentserver.billing.ledger.LedgerStore;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.function.Predicate;

/** A ledger's store that is away for what a test says. */
final class BrokenStore {
    private BrokenStore() {}

    /** @param first the first argument of the calls that fail */
    static LedgerStore of(LedgerStore store, Predicate<String> methods, Object first) {
        return (LedgerStore) Proxy.newProxyInstance(
                LedgerStore.class.getClassLoader(), new Class<?>[] {LedgerStore.class}, (proxy, method, given) -> {
                    if (given != null && given.length > 0 && given[0].equals(first) && methods.test(method.getName())) {
                        throw new IllegalStateException("as if the store were away");
                    }
                    try {
                        return method.invoke(store, given);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }
}
