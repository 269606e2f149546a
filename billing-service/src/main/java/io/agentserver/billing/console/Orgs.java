package io.agentserver.billing.console;

import io.agentserver.envelope.TenantId;
import io.agentserver.tenancy.ApiKey;
import io.agentserver.tenancy.Scope;
import io.agentserver.tenancy.TenantDirectory;
import io.agentserver.tenancy.TenantEntry;

import java.time.Clock;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** Which orgs a person is in, and how an org gets its first owner. Safe on any thread. */
public final class Orgs {
    private final TenantDirectory directory;
    private final DynamoMembers members;
    private final Clock clock;

    public Orgs(TenantDirectory directory, DynamoMembers members, Clock clock) {
        this.directory = directory;
        this.members = members;
        this.clock = clock;
    }

    /** What became of a claim. */
    public sealed interface Claim {
        record Owner(TenantId tenant) implements Claim {}

        /** Not a living key with all scopes; it is not said which. */
        record NoSuchKey() implements Claim {}

        record HasOwner() implements Claim {}

        /** The directory has not been heard of lately: nobody knows which keys live. */
        record Away() implements Claim {}
    }

    /** Empty also if the org exists and the person is no member of it. */
    public Optional<Visit> visit(Person person, String org) {
        if (!TenantId.isValid(org)) {
            return Optional.empty();
        }
        TenantId tenant = new TenantId(org);
        return members.find(tenant, person.email())
                .flatMap(member -> directory
                        .find(tenant)
                        .filter(entry -> !entry.isDeleted())
                        .map(entry -> new Visit(person, member, entry)));
    }

    /** Those that still exist. */
    public List<Visit> of(Person person) {
        return members.where(person.email()).stream()
                .map(member -> directory
                        .find(member.tenant())
                        .filter(entry -> !entry.isDeleted())
                        .map(entry -> new Visit(person, member, entry))
                        .orElse(null))
                .filter(Objects::nonNull)
                .toList();
    }

    /** Whoever holds a key with all scopes can do what an owner can, and no other key's holder; an org that has an owner is that owner's to open. */
    public Claim claim(Person person, String key) {
        if (!directory.isFresh()) {
            return new Claim.Away();
        }
        Optional<TenantEntry> org = ApiKey.parse(key.strip())
                .flatMap(parsed -> directory.keyByHash(parsed.hash()))
                .filter(owner -> owner.key().isAlive(clock.instant())
                        && Arrays.stream(Scope.values())
                                .allMatch(scope -> owner.key().scopes().contains(scope.wireName())))
                .map(TenantDirectory.KeyOwner::tenant);
        if (org.isEmpty()) {
            return new Claim.NoSuchKey();
        }
        TenantId tenant = org.get().tenantId();
        return members.claim(tenant, person.email()) == DynamoMembers.Outcome.DONE
                ? new Claim.Owner(tenant)
                : new Claim.HasOwner();
    }
}
