package io.agentserver.localstores;

import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;

/** The main class in S3Mock's process: S3Mock has a second port, which it would open to all the network. */
@Configuration(proxyBeanMethods = false)
class S3MockOnLoopbackApplication {
    @Bean
    @Order(Ordered.LOWEST_PRECEDENCE)
    WebServerFactoryCustomizer<TomcatServletWebServerFactory> onLoopback() {
        return factory ->
                factory.getAdditionalConnectors().forEach(connector -> connector.setProperty("address", "127.0.0.1"));
    }

    public static void main(String[] args) throws ClassNotFoundException {
        new SpringApplicationBuilder(
                        Class.forName("com.adobe.testing.s3mock.S3MockApplication"), S3MockOnLoopbackApplication.class)
                .run(args);
    }
}
