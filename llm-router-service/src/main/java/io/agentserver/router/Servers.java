package io.agentserver.router;

import java.net.URI;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * A provider's servers, whoever's key they are asked under.
 *
 * @param provider its name
 * @param urls of its replicas
 * @param limits of each replica's guard
 * @param takesOwnKeys whether tenants' keys are shown to them; else a target of who has one fails
 * @param places for the calls under all own keys together at one of them
 * @param backend of one of them, under a key
 */
record Servers(
        String provider,
        List<URI> urls,
        Guard.Limits limits,
        boolean takesOwnKeys,
        Function<URI, Semaphore> places,
        BiFunction<URI, Credential, Backend> backend) {
    Servers {
        urls = List.copyOf(urls);
    }

    /** Where a replica's guard comes from. */
    interface Guards {
        Guard of(URI url, Guard.Limits limits);
    }

    Pool under(Credential key, Guards guards) {
        return new Pool(
                provider,
                urls.stream()
                        .map(url -> new Replica(key.watching(backend.apply(url, key)), guards.of(url, limits)))
                        .toList());
    }
}
