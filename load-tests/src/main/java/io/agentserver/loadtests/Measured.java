package io.agentserver.loadtests;

import org.HdrHistogram.Histogram;

import java.time.Duration;
import java.util.Locale;
import java.util.Map;

/**
 * What a run came to.
 *
 * @param answered how many right answers in {@code time}
 * @param latencies of the right answers, in microseconds
 * @param errors by kind
 */
record Measured(long answered, Duration time, Histogram latencies, Map<String, Long> errors) {
    double perSecond() {
        return answered / (time.toNanos() / 1e9);
    }

    String percentile(double percentile) {
        return String.format(Locale.ROOT, "%.1f ms", latencies.getValueAtPercentile(percentile) / 1000.0);
    }

    String errorText() {
        return errors.isEmpty() ? "0" : errors.toString();
    }
}
