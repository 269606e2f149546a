package io.agentserver.gateway;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import javax.net.ssl.SSLSession;

import static org.assertj.core.api.Assertions.assertThat;

/** What holds answers against the description finds each kind of difference. */
class ApiDescriptionTest {
    private static final ApiDescription DESCRIPTION = new ApiDescription("""
            {"paths": {
              "/things/{id}": {"get": {
                "parameters": [{"name": "id", "in": "path"}, {"name": "limit", "in": "query"}],
                "responses": {
                  "200": {
                    "headers": {"Request-Id": {}, "ETag": {}},
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
                  "404": {"content": {"application/problem+json": {"schema": {
                    "$ref": "#/components/schemas/Problem", "properties": {"type": {"enum": ["not-found"]}}}}}},
                  "default": {"content": {"application/problem+json": {"schema": {
                    "$ref": "#/components/schemas/Problem", "properties": {"type": {"enum": ["internal"]}}}}}}}}},
              "/things/all": {"post": {
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
                "responses": {"204": {}}}}},
             "components": {
               "headers": {"Request-Id": {"required": true}, "ETag": {}},
               "schemas": {
                 "Thing": {"type": "object", "required": ["name"], "properties": {
                   "name": {"type": "string"}, "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}}},
                 "Problem": {"type": "object", "required": ["type"], "properties": {"type": {"type": "string"}}}}}}
            """);

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            /things/1         | 200 | {"name":"a"}                         |
            /things/1?limit=2 | 200 | {"name":"a","parts":[{"name":"b"}]}  |
            /things/1         | 200 | {"name":"a","more":1}                | more
            /things/1         | 200 | {"name":"a","parts":[{"nam":"b"}]}   | /parts/0
            /things/1         | 200 | {}                                   | name
            /things/1         | 200 | {"name":1}                           | string
            /things/1?offset=2 | 200 | {"name":"a"}                        | the parameter offset is not described
            /things/1         | 201 | {"name":"a"}                         | the status is not described
            /things/1         | 404 | {"type":"not-found"}                 |
            /things/1         | 404 | {"type":"gone"}                      | enumeration
            /things/1         | 500 | {"type":"internal"}                  |
            /things/1         | 410 | {"type":"gone"}                      | enumeration
            /things/1         | 500 | {"type":"internal","trace":"at…"}    | trace
            /other            | 404 | {"type":"not-found"}                 |
            /other            | 404 | {"status":404}                       | type
            /other            | 200 | {}                                   | the call is not described
            /things/1/parts   | 200 | {}                                   | the call is not described
            """)
    void finds_what_is_not_described(String path, int status, String body, String wrong) {
        String type = status < 400 ? "application/json" : "application/problem+json";
        List<String> found = DESCRIPTION.check(get(path), answer(status, body, Map.of("Content-Type", type)));
        if (wrong == null) {
            assertThat(found).isEmpty();
        } else {
            assertThat(found).anySatisfy(each -> assertThat(each).contains(wrong));
        }
    }

    @Test
    void finds_media_types_and_headers_that_are_not_described_or_missing() {
        String body = "{\"name\":\"a\"}";
        assertThat(DESCRIPTION.check(get("/things/1"), answer(200, body, Map.of("Content-Type", "application/xml"))))
                .anySatisfy(each -> assertThat(each).contains("the media type application/xml is not described"));
        assertThat(DESCRIPTION.check(get("/things/1"), answer(200, "", Map.of())))
                .anySatisfy(each -> assertThat(each).contains("the media type  is not described"));
        assertThat(DESCRIPTION.check(
                        get("/things/1"),
                        answer(
                                200,
                                body,
                                Map.of("Content-Type", "application/json", "Location", "/", "ETag", "\"1\""))))
                .singleElement()
                .satisfies(each -> assertThat(each).contains("the header Location is not described"));
        HttpResponse<String> nameless = new Stub(200, body, Map.of("Content-Type", "application/json"));
        assertThat(DESCRIPTION.check(get("/things/1"), nameless))
                .singleElement()
                .satisfies(each -> assertThat(each).contains("the header Request-Id is missing"));
    }

    @Test
    void finds_a_request_that_was_taken_and_is_not_described() {
        HttpRequest.Builder post = HttpRequest.newBuilder(URI.create("http://gateway.test/things/all"))
                .header("Content-Type", "application/json");
        HttpRequest right = post.POST(HttpRequest.BodyPublishers.ofString("{\"name\":\"a\"}"))
                .build();
        assertThat(DESCRIPTION.check(right, answer(204, "", Map.of()))).isEmpty();
        HttpRequest wrong =
                post.POST(HttpRequest.BodyPublishers.ofString("{\"name\":1}")).build();
        assertThat(DESCRIPTION.check(wrong, answer(204, "", Map.of()))).hasSize(1);
        HttpRequest keyed = post.POST(HttpRequest.BodyPublishers.ofString("{\"name\":\"a\"}"))
                .header("Idempotency-Key", "k")
                .build();
        assertThat(DESCRIPTION.check(keyed, answer(204, "", Map.of())))
                .singleElement()
                .satisfies(each -> assertThat(each).contains("Idempotency-Key is not described"));
    }

    private static HttpRequest get(String path) {
        return HttpRequest.newBuilder(URI.create("http://gateway.test" + path)).build();
    }

    private static HttpResponse<String> answer(int status, String body, Map<String, String> headers) {
        Map<String, String> all = new TreeMap<>(headers);
        all.put("Request-Id", "1");
        return new Stub(status, body, all);
    }

    private record Stub(int statusCode, String body, Map<String, String> fields) implements HttpResponse<String> {
        @Override
        public HttpHeaders headers() {
            Map<String, List<String>> all = new TreeMap<>();
            fields.forEach((name, value) -> all.put(name, List.of(value)));
            return HttpHeaders.of(all, (_, _) -> true);
        }

        @Override
        public HttpRequest request() {
            throw new UnsupportedOperationException();
        }

        @Override
        public Optional<HttpResponse<String>> previousResponse() {
            return Optional.empty();
        }

        @Override
        public Optional<SSLSession> sslSession() {
            return Optional.empty();
        }

        @Override
        public URI uri() {
            throw new UnsupportedOperationException();
        }

        @Override
        public HttpClient.Version version() {
            return HttpClient.Version.HTTP_1_1;
        }
    }
}
