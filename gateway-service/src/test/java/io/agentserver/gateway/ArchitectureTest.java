package io.agentserver.gateway;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

@AnalyzeClasses(packages = "io.agentserver.gateway", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    @ArchTest
    static final ArchRule spring_stays_at_the_edge = noClasses()
            .that()
            .haveNameNotMatching(".*(Application|Configuration|Endpoint|Properties|Filter|Advice|Convention)(\\$.*)?")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.springframework..");

    @ArchTest
    static final ArchRule aws_stays_in_its_adapters = noClasses()
            .that()
            .haveNameNotMatching(".*\\.(Dynamo.*|S3.*|CloudFront.*|GatewayConfiguration)")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("software.amazon..");

    @ArchTest
    static final ArchRule grpc_stays_in_its_adapter = noClasses()
            .that()
            .resideOutsideOfPackage("..threads..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.grpc..");

    @ArchTest
    static final ArchRule there_are_no_cycles =
            slices().matching("io.agentserver.gateway.(*)..").should().beFreeOfCycles();
}
