package io.agentserver.service.http;

import jakarta.servlet.Filter;
import jakarta.servlet.http.HttpServletResponse;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import java.nio.charset.StandardCharsets;

/** Every service's management port; Spring Boot finds it by {@code META-INF/spring/…ManagementContextConfiguration.imports}. */
@Configuration(proxyBeanMethods = false)
class ManagementServer {

    @Bean
    PatientTomcat managementTomcat() {
        return new PatientTomcat((status, response) -> {
            response.setContentType("application/json");
            response.getOutputStream().write(("{\"status\":" + status + "}").getBytes(StandardCharsets.UTF_8));
        });
    }

    /** Spring Boot's page for errors answers 200 or 500 to whoever asks for it without one. */
    @Bean
    FilterRegistrationBean<Filter> noErrorPageWithoutError() {
        FilterRegistrationBean<Filter> filter = new FilterRegistrationBean<>(
                (request, response, chain) -> ((HttpServletResponse) response).sendError(404));
        filter.addUrlPatterns("/error");
        return filter;
    }
}
