package io.agentserver.router;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

@AnalyzeClasses(packages = "io.agentserver.router", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    @ArchTest
    static final ArchRule THE_CORE_KNOWS_NO_SPRING = noClasses()
            .that()
            .haveNameNotMatching(".*(Application|Configuration|Endpoint|Properties|Advice)(\\$.*)?")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.springframework..");

    @ArchTest
    static final ArchRule KAFKA_STAYS_IN_ITS_ADAPTERS = noClasses()
            .that()
            .haveSimpleNameNotStartingWith("Kafka")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.apache.kafka..");

    @ArchTest
    static final ArchRule REDIS_STAYS_IN_ITS_ADAPTERS = noClasses()
            .that()
            .haveNameNotMatching(".*\\.(Redis\\w*|LlmRouterConfiguration)(\\$.*)?")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.lettuce..");

    @ArchTest
    static final ArchRule AWS_STAYS_IN_ITS_ADAPTERS = noClasses()
            .that()
            .haveNameNotMatching(".*\\.(Dynamo\\w*|LlmRouterConfiguration)(\\$.*)?")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("software.amazon.awssdk..");
}
