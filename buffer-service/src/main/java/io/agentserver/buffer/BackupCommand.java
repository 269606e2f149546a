package io.agentserver.buffer;

import io.agentserver.buffer.backup.Backup;
import io.agentserver.buffer.backup.BrokenBackupException;
import io.agentserver.buffer.backup.Drill;
import io.agentserver.buffer.backup.Restore;
import io.agentserver.buffer.journal.ConversationJournal;
import io.agentserver.buffer.journal.Wakeups;
import io.agentserver.buffer.store.ConversationKey;
import io.agentserver.buffer.store.Look;
import io.agentserver.buffer.store.Retention;
import io.agentserver.buffer.store.StoreUnavailableException;
import io.agentserver.envelope.TenantId;
import io.agentserver.envelope.ThreadId;
import io.agentserver.service.ConfigurationException;
import io.agentserver.service.EvenClock;
import io.agentserver.service.ServiceApplication;
import io.agentserver.service.Setting;

import java.io.PrintStream;
import java.time.Clock;
import java.time.Duration;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Gatherers;

/**
 * {@code backup drill|restore|all}: what an operator does with the backup, over the stores and the bucket that the environment
 * names, beside services that run or without any. Goes on where it stopped if it is started again.
 */
public final class BackupCommand {
    /** Each waits for some ten answers of the bucket and the table, one after the other. */
    private static final int RESTORED_AT_ONCE = 32;
    /** How often a restore says how far it is. */
    private static final Duration TOLD_EVERY = Duration.ofSeconds(10);

    private static final Duration DIRECTORY_READ = Duration.ofMinutes(1);
    /** In a row, of stores or the bucket: one conversation may be throttled, but when all are the rest would fail too. */
    private static final int MOST_FAILURES = 2 * RESTORED_AT_ONCE;

    private static final String USAGE = "backup drill [<tenant> [<conversation>]] | backup restore --all |"
            + " backup restore <tenant> [<conversation>] | backup all";

    private final Stores stores;
    private final Backup backup;
    private final BufferProperties properties;
    private final Retention retention;
    private final Clock clock;
    private final PrintStream out;
    private final AtomicInteger failures = new AtomicInteger();

    private BackupCommand(
            Stores stores,
            Backup backup,
            BufferProperties properties,
            Retention retention,
            Clock clock,
            PrintStream out) {
        this.stores = stores;
        this.backup = backup;
        this.properties = properties;
        this.retention = retention;
        this.clock = clock;
        this.out = out;
    }

    /** To be called before anything logs: what goes wrong in a library is for standard error, the answer for the other. */
    public static void quietLogging() {
        System.setProperty("logback.configurationFile", "io/agentserver/buffer/command-logback.xml");
    }

    /**
     * @param words after {@code backup}
     * @return 0: backup and journal are equal, all is restored; 1: they are not, or something could not be; 2: it could not be
     *     tried
     */
    public static int run(List<String> words, Map<String, String> environment, PrintStream out, PrintStream err) {
        try {
            BufferProperties properties = BufferProperties.of(environment);
            if (!properties.backup().isSet()) {
                throw new ConfigurationException(
                        Setting.AGENTSERVER_BACKUP_BUCKET + " is not set: name the bucket of the backup");
            }
            Clock clock = new EvenClock();
            try (TenantRetention retention = TenantRetention.open(properties)) {
                retention.awaitKnown(DIRECTORY_READ);
                Stores stores = new StoreFactory(properties, retention, clock).open();
                try (var _ = stores.threads();
                        Backup backup = stores.backup().orElseThrow()) {
                    return new BackupCommand(stores, backup, properties, retention, clock, out).run(words, err);
                }
            }
        } catch (RuntimeException e) {
            err.println("agentserver cannot do that with the backup: " + ServiceApplication.reason(e));
            return 2;
        }
    }

    private int run(List<String> words, PrintStream err) {
        String what = words.isEmpty() ? "" : words.getFirst();
        List<String> which = words.isEmpty() ? words : words.subList(1, words.size());
        if (what.equals("drill") && which.size() <= 2) {
            return drill(which);
        }
        if (what.equals("restore") && !which.isEmpty() && which.size() <= 2) {
            return restore(which, err);
        }
        if (what.equals("all") && which.isEmpty()) {
            return all();
        }
        err.println("agentserver: unknown arguments " + words + "; known: " + USAGE);
        return 2;
    }

    private int drill(List<String> which) {
        Drill drill = backup.drill(retention, out::println);
        if (which.size() == 2) {
            ConversationKey key = new ConversationKey(new TenantId(which.get(0)), ThreadId.parse(which.get(1)));
            if (!backup.has(key)
                    && stores.threads().read(key, 1, Look.CONSISTENT).isEmpty()) {
                return nothingOf(which);
            }
            drill.conversation(key);
        } else {
            Set<TenantId> deleted = stores.erasure().marked();
            Map<TenantId, Set<ThreadId>> live = new TreeMap<>(Comparator.comparing(TenantId::value));
            stores.threads()
                    .each(key -> live.computeIfAbsent(key.tenant(), _ -> new HashSet<>())
                            .add(key.conversation()));
            backup.tenants().forEach(tenant -> live.computeIfAbsent(tenant, _ -> new HashSet<>()));
            live.keySet().removeAll(deleted);
            if (which.size() == 1) {
                live.keySet().retainAll(Set.of(new TenantId(which.getFirst())));
                if (live.isEmpty()) {
                    return nothingOf(which);
                }
            }
            live.forEach(drill::tenant);
            if (which.isEmpty()) {
                drill.keep();
            }
        }
        out.println(
                "compared: " + drill.conversations() + " conversations, " + drill.slots() + " slots; " + drill.expired()
                        + " in the backup alone, past their retention; " + drill.notYet() + " not in the backup yet");
        out.println(drill.differences() == 0 ? "equal" : "difference: " + drill.differences());
        return drill.differences() == 0 ? 0 : 1;
    }

    /** A name that is misspelt must not count as one of whom all is well. */
    private int nothingOf(List<String> which) {
        out.println("nothing of " + String.join(" ", which) + " is in the backup, nor in the journal");
        return 2;
    }

    private int restore(List<String> which, PrintStream err) {
        ConversationJournal journal = new ConversationJournal(
                backup.over(stores.threads()), stores.due(), new Wakeups(), retention, properties.cacheBytes(), clock);
        Restore restore = backup.restore(stores.threads(), journal::erase, retention);
        Map<Restore.Outcome, Integer> outcomes = new EnumMap<>(Restore.Outcome.class);
        long begun = System.nanoTime();
        long slots = 0;
        int broken = 0;
        boolean loss = false;
        List<TenantId> tenants =
                which.getFirst().equals("--all") ? backup.tenants() : List.of(new TenantId(which.getFirst()));
        for (TenantId tenant : tenants) {
            List<ConversationKey> conversations = which.size() == 2
                    ? List.of(new ConversationKey(tenant, ThreadId.parse(which.get(1))))
                    : restore.conversations(tenant);
            if (conversations.isEmpty() && which.getFirst().equals("--all")) {
                continue; // of its backup only manifests are left; the others' is still to be restored
            }
            if (conversations.isEmpty()) {
                tellUnread(restore);
                out.println("nothing of " + tenant + " is in the backup");
                return 2;
            }
            int done = 0;
            long told = System.nanoTime();
            Iterator<Restored> results = conversations.stream()
                    .gather(Gatherers.mapConcurrent(RESTORED_AT_ONCE, key -> restore(restore, journal, key)))
                    .iterator();
            while (results.hasNext()) {
                Restored restored = results.next();
                done++;
                if (System.nanoTime() - told > TOLD_EVERY.toNanos()) {
                    told = System.nanoTime();
                    err.println(tenant + ": " + done + " of " + conversations.size() + " conversations");
                }
                slots += restored.slots;
                loss |= restored.loss;
                if (restored.broken) {
                    broken++;
                } else {
                    outcomes.merge(restored.outcome, 1, Integer::sum);
                }
                if (!restored.line.isEmpty()) {
                    out.println(restored.line);
                }
            }
        }
        outcomes.forEach((outcome, count) -> out.println(outcome.name().toLowerCase(Locale.ROOT) + ": " + count));
        if (broken > 0) {
            out.println("broken: " + broken);
        }
        boolean unread = tellUnread(restore);
        double seconds = (System.nanoTime() - begun) / 1e9;
        out.println(String.format(Locale.ROOT, "slots restored: %d in %.1f s", slots, seconds));
        boolean named = which.size() == 2;
        return broken > 0
                        || loss
                        || unread
                        || outcomes.containsKey(Restore.Outcome.DIFFERS)
                        || named && outcomes.containsKey(Restore.Outcome.UNKNOWN)
                ? 1
                : 0;
    }

    private boolean tellUnread(Restore restore) {
        List<String> unread = restore.unreadManifests();
        unread.forEach(manifest -> out.println(manifest + "; what it alone names may be lost"));
        return !unread.isEmpty();
    }

    /**
     * @param loss the backup lacks something of it that somebody could have read
     * @param line to be told if it did not go well
     */
    private record Restored(Restore.Outcome outcome, long slots, boolean loss, boolean broken, String line) {
        static Restored broken(String line) {
            return new Restored(Restore.Outcome.UNKNOWN, 0, false, true, line);
        }
    }

    private Restored restore(Restore restore, ConversationJournal journal, ConversationKey key) {
        try {
            Restore.Result result = restore.conversation(key);
            switch (result.outcome()) {
                case RESTORED, THERE, INCOMPLETE ->
                    journal.remind(key); // an earlier restore may have died before it did
                case DIFFERS, ERASED, DELETED, EXPIRED, UNKNOWN -> {}
            }
            failures.set(0);
            return new Restored(result.outcome(), result.slots(), result.loss(), false, line(key, result));
        } catch (BrokenBackupException e) {
            return Restored.broken(String.valueOf(e.getMessage()));
        } catch (StoreUnavailableException e) {
            if (failures.incrementAndGet() > MOST_FAILURES) {
                throw e;
            }
            return Restored.broken(key + ": " + e.getMessage());
        }
    }

    private static String line(ConversationKey key, Restore.Result result) {
        return switch (result.outcome()) {
            case DIFFERS -> key + " says something else in the journal, and stays so";
            case INCOMPLETE, EXPIRED, UNKNOWN -> result.lacks().isEmpty() ? "" : lacks(key, result);
            case RESTORED, THERE, ERASED, DELETED -> "";
        };
    }

    private static String lacks(ConversationKey key, Restore.Result result) {
        String lacks = key + " lacks in the backup " + result.lacks() + ": ";
        return switch (result.outcome()) {
            case EXPIRED -> lacks + "the rest has expired, and a longer retention of its tenant brings it back";
            case UNKNOWN -> lacks + "nothing of it is left there";
            case RESTORED, THERE, INCOMPLETE, DIFFERS, ERASED, DELETED -> lacks + "the rest is in the journal";
        };
    }

    /** Has everything looked at that was there before there was a backup, or that it is found to lack. */
    private int all() {
        long[] noted = {0};
        stores.threads().each(key -> {
            backup.note(key);
            noted[0]++;
        });
        out.println("noted: " + noted[0] + " conversations; the services put into the backup what it lacks of them");
        return 0;
    }
}
