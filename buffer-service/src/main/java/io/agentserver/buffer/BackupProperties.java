package io.agentserver.buffer;

import io.agentserver.buffer.backup.BackupNames;
import io.agentserver.buffer.backup.BackupTimes;
import io.agentserver.service.ConfigurationException;
import io.agentserver.service.Setting;

import java.time.Duration;

/**
 * Where conversations are backed up.
 *
 * @param bucket of S3; empty: no backup
 * @param prefix of all its keys
 * @param region of the bucket; empty: the one that the AWS SDK finds
 * @param s3Url S3's endpoint; empty: the AWS region's own
 * @param period how often what has changed is backed up
 * @param kept how long an object is kept
 */
public record BackupProperties(
        String bucket, String prefix, String region, String s3Url, Duration period, Duration kept) {
    static final BackupProperties NONE =
            new BackupProperties("", "", "", "", Duration.ofMinutes(10), Duration.ofDays(30));

    public BackupProperties {
        if (period.compareTo(Duration.ofSeconds(1)) < 0 || period.compareTo(Duration.ofHours(12)) > 0) {
            throw new ConfigurationException(
                    Setting.AGENTSERVER_BACKUP_PERIOD + "=" + period + " is not between 1s and 12h");
        }
        if (kept.compareTo(Duration.ofDays(1)) < 0) {
            throw new ConfigurationException(
                    Setting.AGENTSERVER_BACKUP_KEPT + "=" + kept + " is too short: set at least 1d");
        }
        if (prefix.startsWith("/") || (!prefix.isEmpty() && !prefix.endsWith("/"))) {
            throw new ConfigurationException(Setting.AGENTSERVER_BACKUP_PREFIX + "=" + prefix
                    + " must end with a slash, and not begin with one: set agentserver/, for example");
        }
    }

    boolean isSet() {
        return !bucket.isBlank();
    }

    BackupNames names() {
        return new BackupNames(prefix);
    }

    BackupTimes times() {
        return new BackupTimes(period, kept);
    }
}
