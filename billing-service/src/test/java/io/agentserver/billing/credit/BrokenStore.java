package io.agentserver.billing.credit;

import io.agentserver.billing.ledger.LedgerStore;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import java.util.function.Supplier;

/** A ledger's store that is away for what a test says, or another one than before. */
final class BrokenStore {
    private BrokenStore() {}

    /** @param first the first argument of the calls that fail */
    static LedgerStore of(LedgerStore store, Predicate<String> methods, Object first) {
        return over(() -> store, (method, argument) -> {
            if (argument.equals(first) && methods.test(method)) {
                throw new IllegalStateException("as if the store were away");
            }
        });
    }

    /**
     * @param store which one it is at a call
     * @param calls is told of each before, by its method and its first argument
     */
    static LedgerStore over(Supplier<LedgerStore> store, BiConsumer<String, Object> calls) {
        return (LedgerStore) Proxy.newProxyInstance(
                LedgerStore.class.getClassLoader(), new Class<?>[] {LedgerStore.class}, (proxy, method, given) -> {
                    if (given != null && given.length > 0) {
                        calls.accept(method.getName(), given[0]);
                    }
                    try {
                        return method.invoke(store.get(), given);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }
}
