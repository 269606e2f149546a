package io.agentserver.buffer;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

@AnalyzeClasses(packages = "io.agentserver.buffer", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    @ArchTest
    static final ArchRule the_core_knows_neither_spring_nor_grpc_nor_a_store_product = noClasses()
            .that()
            .resideInAnyPackage("..journal..", "..buffer.backup", "..backup.format..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "org.springframework..",
                    "io.grpc..",
                    "io.lettuce..",
                    "software.amazon..",
                    "..redis..",
                    "..dynamo..",
                    "..s3..");

    @ArchTest
    static final ArchRule lettuce_stays_in_its_adapter = noClasses()
            .that()
            .resideOutsideOfPackage("..redis..")
            .and()
            .doNotHaveSimpleName("StoreFactory") // tells users that the Redis they named is away
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.lettuce..");

    @ArchTest
    static final ArchRule aws_stays_in_its_adapter = noClasses()
            .that()
            .resideOutsideOfPackages("..dynamo..", "..s3..")
            .and()
            .doNotHaveSimpleName("StoreFactory") // tells users that the DynamoDB they named is away
            .should()
            .dependOnClassesThat()
            .resideInAPackage("software.amazon..");

    @ArchTest
    static final ArchRule there_are_no_cycles =
            slices().matching("io.agentserver.buffer.(*)..").should().beFreeOfCycles();
}
