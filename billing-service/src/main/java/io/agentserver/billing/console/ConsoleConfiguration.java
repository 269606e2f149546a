package io.agentserver.billing.console;

import io.agentserver.billing.console.security.ConsoleSecurityConfiguration;
import io.agentserver.billing.console.security.Doorkeeper;
import io.agentserver.billing.messages.DynamoDayStarts;
import io.agentserver.billing.messages.KafkaMessageLog;
import io.agentserver.billing.messages.MessageDays;
import io.agentserver.log.Brokers;
import io.agentserver.service.PlatformKeys;
import io.agentserver.service.ServiceTokens;
import io.agentserver.tenancy.TenantDirectory;
import io.agentserver.tenancy.TenantEntry;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.thymeleaf.spring6.SpringTemplateEngine;
import org.thymeleaf.spring6.view.ThymeleafViewResolver;
import org.thymeleaf.templatemode.TemplateMode;
import org.thymeleaf.templateresolver.ClassLoaderTemplateResolver;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

import java.net.URI;
import java.time.Clock;

/** The map of the console: a person → the doorkeeper → a page, from the ledger and the gateway. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(ConsoleProperties.class)
@Import({
    ConsoleSecurityConfiguration.class,
    ConsoleAdvice.class,
    AssetsEndpoint.class,
    SignInEndpoint.class,
    OverviewEndpoint.class,
    ConversationsEndpoint.class,
    OrganismPageEndpoint.class,
    KeysPageEndpoint.class,
    UsagePageEndpoint.class,
    CreditEndpoint.class,
    PeopleEndpoint.class,
})
public class ConsoleConfiguration {

    @Bean
    DynamoMembers members(DynamoDbClient dynamo, Clock clock) {
        DynamoMembers.createIfAbsent(dynamo);
        return new DynamoMembers(dynamo, clock);
    }

    @Bean
    Orgs orgs(TenantDirectory directory, DynamoMembers members, Clock clock) {
        return new Orgs(directory, members, clock);
    }

    @Bean
    KafkaMessageLog messageLog(Brokers brokers) {
        return new KafkaMessageLog(brokers);
    }

    @Bean
    DynamoDayStarts dayStarts(DynamoDbClient dynamo) {
        DynamoDayStarts.createIfAbsent(dynamo);
        return new DynamoDayStarts(dynamo);
    }

    @Bean
    MessageDays messageDays(KafkaMessageLog log, DynamoDayStarts starts, TenantDirectory directory, Clock clock) {
        return new MessageDays(
                        log,
                        starts,
                        () -> directory.all().stream()
                                .map(TenantEntry::tenantId)
                                .toList(),
                        clock)
                .start();
    }

    @Bean
    Gateway gateway(ConsoleProperties properties, ServiceTokens tokens) {
        return new Gateway(URI.create(properties.gatewayUrl()), tokens);
    }

    @Bean
    SealedCookies sealedCookies(PlatformKeys keys, Clock clock) {
        return new SealedCookies(keys.signing(), clock);
    }

    @Bean
    Assets assets() {
        return new Assets();
    }

    @Bean
    Doorkeeper doorkeeper(Orgs orgs) {
        return new Doorkeeper(orgs);
    }

    @Bean
    SpringTemplateEngine templateEngine() {
        ClassLoaderTemplateResolver templates =
                new ClassLoaderTemplateResolver(ConsoleConfiguration.class.getClassLoader());
        templates.setPrefix("/");
        templates.setSuffix(".html");
        templates.setTemplateMode(TemplateMode.HTML);
        templates.setCharacterEncoding("UTF-8");
        SpringTemplateEngine engine = new SpringTemplateEngine();
        engine.setEnableSpringELCompiler(true);
        engine.setTemplateResolver(templates);
        return engine;
    }

    @Bean
    ThymeleafViewResolver thymeleafViewResolver(SpringTemplateEngine engine) {
        ThymeleafViewResolver views = new ThymeleafViewResolver();
        views.setTemplateEngine(engine);
        views.setCharacterEncoding("UTF-8");
        views.setViewNames(new String[] {"console/*"});
        views.setOrder(1);
        return views;
    }

    @Bean
    Watchers watchers(Orgs orgs, Clock clock) {
        return new Watchers(orgs, clock);
    }

    @Bean
    LiveSlots liveSlots(SpringTemplateEngine engine) {
        return new LiveSlots(engine);
    }
}
