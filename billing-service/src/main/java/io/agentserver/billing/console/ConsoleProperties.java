package io.agentserver.billing.console;

import io.agentserver.service.ConfigurationException;
import io.agentserver.service.Loopback;
import io.agentserver.service.Setting;
import org.springframework.boot.context.properties.ConfigurationProperties;

import java.net.URI;

/**
 * What the console needs to know.
 *
 * @param url its own public URL, which ends in {@code /console}; https: its cookies are sent over TLS alone
 * @param gatewayUrl where the gateway answers
 * @param demo sign-in without a password, as anybody of the tenant {@code demo}: in dev alone
 * @param bind the address that billing listens on
 * @param oidcIssuer whoever signs people in; empty: nobody
 * @param oidcClientId what the issuer knows the console by
 * @param oidcClientSecret what the console proves it with
 */
@ConfigurationProperties(prefix = "agentserver.console", ignoreUnknownFields = false)
public record ConsoleProperties(
        String url,
        String gatewayUrl,
        boolean demo,
        String bind,
        String oidcIssuer,
        String oidcClientId,
        String oidcClientSecret) {
    private static final String PATH = "/console";

    public ConsoleProperties {
        requireUrl(Setting.AGENTSERVER_GATEWAY_URL, gatewayUrl);
        requireUrl(Setting.AGENTSERVER_CONSOLE_URL, url);
        if (!PATH.equals(URI.create(url).getPath())) {
            throw new ConfigurationException(Setting.AGENTSERVER_CONSOLE_URL + "=" + url
                    + " does not end in /console: give the whole URL, like https://billing.example.com/console");
        }
        if (demo && !oidcIssuer.isEmpty()) {
            throw new ConfigurationException(Setting.AGENTSERVER_CONSOLE_DEMO
                    + "=true lets anybody in, and AGENTSERVER_OIDC_ISSUER is set: leave one of them out");
        }
        if (demo && !Loopback.is(URI.create(url).getHost())) {
            throw new ConfigurationException(Setting.AGENTSERVER_CONSOLE_DEMO + "=true lets anybody in, and "
                    + Setting.AGENTSERVER_CONSOLE_URL + "=" + url + " is for others too: leave one of them out");
        }
        if (demo && !Loopback.is(bind)) {
            throw new ConfigurationException(Setting.AGENTSERVER_CONSOLE_DEMO + "=true lets anybody in: set "
                    + Setting.AGENTSERVER_BIND + "=127.0.0.1, or leave it out");
        }
        if (!oidcIssuer.isEmpty()) {
            requireUrl(Setting.AGENTSERVER_OIDC_ISSUER, oidcIssuer);
            if (oidcClientId.isBlank() || oidcClientSecret.isBlank()) {
                throw new ConfigurationException("AGENTSERVER_OIDC_ISSUER is set: set AGENTSERVER_OIDC_CLIENT_ID and"
                        + " AGENTSERVER_OIDC_CLIENT_SECRET too");
            }
        }
    }

    public boolean hasOidc() {
        return !oidcIssuer.isEmpty();
    }

    public boolean isSecure() {
        return url.startsWith("https:");
    }

    private static void requireUrl(Setting setting, String text) {
        if (!isUrl(text)) {
            throw new ConfigurationException(setting + "=" + text + " is no http or https URL: set it to one");
        }
    }

    private static boolean isUrl(String text) {
        try {
            URI url = URI.create(text);
            return url.getHost() != null && ("http".equals(url.getScheme()) || "https".equals(url.getScheme()));
        } catch (IllegalArgumentException e) {
            return false;
        }
    }
}
