package io.agentserver.router;

import java.net.URI;
import java.util.List;
import java.util.function.BiFunction;

/**
 * A provider's servers, whoever's key they are asked under.
 *
 * @param provider its name
 * @param urls of its replicas
 * @param limits of each replica's guard
 * @param backend of one of them, under a key
 */
record Servers(String provider, List<URI> urls, Guard.Limits limits, BiFunction<URI, Credential, Backend> backend) {
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
                        .map(url -> new Replica(backend.apply(url, key), guards.of(url, limits)))
                        .toList());
    }
}
