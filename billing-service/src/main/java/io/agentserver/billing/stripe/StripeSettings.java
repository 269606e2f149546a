package io.agentserver.billing.stripe;

import io.agentserver.service.ConfigurationException;
import io.agentserver.service.Setting;

import java.net.URI;

/**
 * Our account at Stripe.
 *
 * @param key secret or restricted key; its kind says whether real money moves; empty: no Stripe
 * @param webhookSecret signs the events that Stripe sends us
 * @param account {@code acct_…} that an event must be of if it names one; empty: it must name none
 * @param meter event name of the meter that usage goes to
 * @param url of the API; empty: Stripe's own
 */
public record StripeSettings(String key, String webhookSecret, String account, String meter, String url) {
    /** What the meter's event name is if nobody says. */
    public static final String METER = "agentserver_llm_usage";

    public StripeSettings {
        if (!key.isEmpty()) {
            if (!key.matches("(sk|rk)_(test|live)_[A-Za-z0-9]+")) {
                // never the key itself: this line goes to the log
                throw new ConfigurationException(Setting.AGENTSERVER_STRIPE_KEY
                        + " is no secret key of Stripe's: set it to sk_test_… or sk_live_… (or rk_…)");
            }
            if (!webhookSecret.matches("whsec_[A-Za-z0-9+/=_-]+")) {
                throw new ConfigurationException(Setting.AGENTSERVER_STRIPE_WEBHOOK_SECRET
                        + " is no signing secret: set it to the whsec_… of this webhook endpoint, as Stripe shows it");
            }
            if (meter.isBlank() || meter.length() > 100) {
                throw new ConfigurationException(
                        Setting.AGENTSERVER_STRIPE_METER + "=" + meter + " is no event name: give 1 to 100 characters");
            }
        }
        if (!account.isEmpty() && !account.matches("acct_[A-Za-z0-9]+")) {
            throw new ConfigurationException(
                    Setting.AGENTSERVER_STRIPE_ACCOUNT + "=" + account + " is no account: set it to acct_…");
        }
        if (!url.isEmpty() && !url.matches("https?://[^\\s/]+/?")) {
            throw new ConfigurationException(Setting.AGENTSERVER_STRIPE_URL + "=" + url
                    + " is no base URL: set it to http(s)://host:port, or leave it out for Stripe's own");
        }
    }

    public boolean isSet() {
        return !key.isEmpty();
    }

    /** Whether real money moves. */
    public boolean isLive() {
        return key.startsWith("sk_live_") || key.startsWith("rk_live_");
    }

    /** Without the secrets. */
    @Override
    public String toString() {
        return "StripeSettings[live=" + isLive() + ", account=" + account + ", meter=" + meter + ", url=" + url + "]";
    }

    /** Without a slash at its end; empty: Stripe's own. */
    String apiBase() {
        return url.isEmpty() ? "" : URI.create(url).resolve("/").toString().replaceAll("/$", "");
    }
}
