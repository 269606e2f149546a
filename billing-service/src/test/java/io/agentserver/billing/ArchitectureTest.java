package io.agentserver.billing;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

@AnalyzeClasses(packages = "io.agentserver.billing", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {
    @ArchTest
    static final ArchRule the_ledger_knows_no_framework_and_no_technology = noClasses()
            .that()
            .resideInAPackage("io.agentserver.billing.ledger")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("org.springframework..", "org.apache.kafka..", "software.amazon..", "io.lettuce..");

    @ArchTest
    static final ArchRule spring_stays_at_the_edge = noClasses()
            .that()
            .haveSimpleNameNotEndingWith("Application")
            .and()
            .haveSimpleNameNotEndingWith("Configuration")
            .and()
            .haveSimpleNameNotEndingWith("Endpoint")
            .and()
            .haveSimpleNameNotEndingWith("Properties")
            .and()
            .haveSimpleNameNotEndingWith("Advice")
            .and()
            .doNotHaveSimpleName("Problems") // what endpoints and advice answer with
            .and()
            .doNotHaveSimpleName("ServerRefusals") // the same for what never reaches them
            .and()
            .doNotHaveSimpleName("KeyIsSet") // a condition inside StripeConfiguration
            .and()
            .resideOutsideOfPackage("io.agentserver.billing.console.security") // Spring Security's adapters
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.springframework..");

    @ArchTest
    static final ArchRule features_make_no_cycle =
            slices().matching("io.agentserver.billing.(*)..").should().beFreeOfCycles();
}
