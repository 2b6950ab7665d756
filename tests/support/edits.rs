//! Edits of `openapi.yaml`, and what becomes of each: a client, which `tests/second-operation` compiles, or a sentence that
//! says what is wrong and where.

use Becomes::{Client, Refused};

pub struct Edit {
    changes: Changes,
    pub becomes: Becomes,
}

struct Changes(Vec<Change>);

/// The first `from` becomes `to`.
struct Change {
    from: String,
    to: String,
}

pub enum Becomes {
    /// A client. What it shows.
    Client(&'static str),
    /// A sentence that begins like this.
    Refused(&'static str),
}

impl Edit {
    pub fn of(&self, spec: &str) -> String {
        self.changes.0.iter().fold(spec.to_owned(), |spec, Change { from, to }| {
            assert!(spec.contains(from), "{from:?} is not in the description");
            spec.replacen(from, to, 1)
        })
    }
}

/// A second operation, before the first one, whose parameters are named like progenitor's own variables.
pub fn second_operation() -> Edit {
    change(
        "\npaths:\n",
        "
paths:
  /v1/onboarding/requests/{id}:
    get:
      operationId: getOnboardingRequest
      tags: [Onboarding]
      summary: Read an onboarding request
      parameters:
        - {name: id, in: path, required: true, schema: {type: string, format: uuid}}
        - {name: api-version, in: header, required: true, schema: {type: string}}
        - {name: response, in: query, schema: {type: string}}
        - {name: url, in: query, schema: {type: string}}
        - {name: request, in: query, schema: {type: integer, format: int64}}
      responses:
        '200':
          description: The request
          content:
            application/json:
              schema:
                $ref: '#/components/schemas/OnboardingRequest'
",
    )
    .becomes(Client("a second operation, before the first one"))
}

/// One list, so that a reader finds every edit in one place.
pub fn all() -> Vec<Edit> {
    [vec![second_operation()], operations(), parameters(), bodies(), objects(), values(), names()]
        .into_iter()
        .flatten()
        .collect()
}

fn operations() -> Vec<Edit> {
    vec![
        change("openapi: 3.0.3", "openapi: 3.1.0").becomes(Refused("openapi: 3.1.0 is not supported")),
        change("openapi: 3.0.3\n", "").becomes(Refused("needs openapi, the version")),
        change("paths:", "pathz:").becomes(Refused("remove pathz: it is not supported here")),
        change("  - url: https://api.traxes.io/connect", "  - url: /connect")
            .becomes(Refused("servers: the first one needs an https URL")),
        change("  - url: https://api.traxes.io/connect", "  - url: https://{region}.traxes.io")
            .becomes(Refused("servers: the first one needs an https URL")),
        change("security:\n  - bearerAuth: []\n", "").becomes(Refused("security: needs one requirement")),
        change("  - bearerAuth: []\n", "  - apiKey: []\n").becomes(Refused("security: apiKey is not in components")),
        change("      scheme: bearer\n", "      scheme: basic\n")
            .becomes(Refused("components.securitySchemes.bearerAuth: the client sends an access token")),
        change("      operationId: createCollectiveOnboarding\n", "")
            .becomes(Refused("paths./v1/onboarding/collectives.post: needs an operationId")),
        change("operationId: createCollectiveOnboarding", "operationId: 17")
            .becomes(Refused("paths./v1/onboarding/collectives.post.operationId: must be text, and is 17")),
        change("operationId: createCollectiveOnboarding", "operationId: newWithClient").becomes(Refused(
            "paths./v1/onboarding/collectives.post: the generated client has a method named like the operationId",
        )),
        change("operationId: createCollectiveOnboarding", "operationId: exec").becomes(Refused(
            "paths./v1/onboarding/collectives.post: the generated client has a method named like the operationId",
        )),
        change("operationId: getOnboardingRequest", "operationId: create_collective_onboarding")
            .after(second_operation())
            .becomes(Refused(
                "paths./v1/onboarding/requests/{id}.get: its operationId has the same name in Rust as that of paths./v1/onboarding/collectives.post",
            )),
        change("    post:\n", "    servers: [{url: https://example.com}]\n    post:\n")
            .becomes(Refused("paths./v1/onboarding/collectives: remove servers: the client sends every request")),
        change("    post:\n", "    head:\n").becomes(Refused("paths./v1/onboarding/collectives: remove head")),
        change("    post:\n", "    options:\n").becomes(Refused("paths./v1/onboarding/collectives: remove options")),
        change("\n  version: ", "\n  version: é").becomes(Refused("info: needs a version of ASCII characters")),
        change("  - url: https://api.traxes.io/connect", "  - url: https://api.traxes.io/connect?x=1")
            .becomes(Refused("servers: the first one needs an https URL")),
        change("      tags: [Onboarding]\n", "      tags: Onboarding\n")
            .becomes(Refused("paths./v1/onboarding/collectives.post.tags: must be a list")),
        change("    post:\n", "    delete:\n").becomes(Client("a DELETE with a body")),
        operation("servers: [{url: https://example.com}]")
            .becomes(Refused("paths./v1/onboarding/collectives.post: remove servers")),
        operation("security: []").becomes(Refused("paths./v1/onboarding/collectives.post: remove security")),
        operation("callbacks: {}").becomes(Refused("paths./v1/onboarding/collectives.post: remove callbacks")),
        operation("x-dropshot-pagination: {required: []}")
            .becomes(Refused("paths./v1/onboarding/collectives.post: remove x-dropshot-pagination")),
        operation("x-note: {$ref: 'nowhere'}").becomes(Client("an extension that contains $ref")),
    ]
}

fn parameters() -> Vec<Edit> {
    vec![
        parameter("{name: text, in: query, schema: {type: string}}").becomes(Client("an optional query parameter")),
        parameter("{name: api-version, in: query, required: true, schema: {type: string}}")
            .becomes(Client("a query parameter named api-version")),
        parameter("{name: at, in: query, schema: {type: string, format: date-time}}")
            .becomes(Client("a date-time in the query")),
        parameter("{name: kind, in: query, style: form, explode: true, schema: {$ref: '#/components/schemas/CollectiveType'}}")
            .becomes(Client("an open enum in the query, with the default style")),
        parameter("{name: X-Kind, in: header, schema: {$ref: '#/components/schemas/CollectiveType'}}")
            .becomes(Client("an open enum in a header")),
        parameter("{name: X-Count, in: header, required: true, schema: {type: integer}}, {name: yes, in: header, schema: {type: boolean}}")
            .becomes(Client("a number and a boolean in headers")),
        parameter("{name: result, in: query, schema: {type: number}}, {name: self, in: query, schema: {type: string}}, {name: value, in: query, schema: {type: string}}, {name: client, in: query, schema: {type: string}}")
            .becomes(Client("parameters named like variables and keywords")),
        parameter("{$ref: '#/components/parameters/P'}")
            .and("\n  schemas:\n", "\n  parameters: {P: {name: p, in: query, schema: {type: string}}}\n  schemas:\n")
            .becomes(Client("a parameter in the components")),
        change("/v1/onboarding/collectives:\n", "/v1/{kind}/collectives/{id}:\n    parameters: [{name: id, in: path, required: true, schema: {type: integer}}, {name: kind, in: path, required: true, schema: {$ref: '#/components/schemas/CollectiveType'}}]\n")
            .becomes(Client("parameters of a path, described with the path")),
        parameter("{name: c, schema: {type: string}}")
            .becomes(Refused("paths./v1/onboarding/collectives.post.parameters.c: needs in: path, query or header")),
        parameter("{name: c, in: query, schema: {type: string, enum: [a]}}")
            .becomes(Refused("paths./v1/onboarding/collectives.post.parameters.c: put the enum into components.schemas")),
        parameter("{name: encode-path, in: query, schema: {type: string}}").becomes(Refused(
            "paths./v1/onboarding/collectives.post: the generated code has a variable or a function named like the parameter encode-path",
        )),
        change("/v1/onboarding/collectives:", "/v1/{id}/{id}:")
            .becomes(Refused("paths./v1/{id}/{id}.post: the path must begin with a slash, and have each parameter once")),
        change("/v1/onboarding/collectives:", "/v1/onboarding?x=1:")
            .becomes(Refused("paths./v1/onboarding?x=1: the client cannot send the character '?' in a path as it is")),
        parameter("{name: c, in: cookie, schema: {type: string}}")
            .becomes(Refused("paths./v1/onboarding/collectives.post.parameters.c: the generated client cannot send a cookie")),
        parameter("{name: c, in: body, schema: {type: string}}")
            .becomes(Refused("paths./v1/onboarding/collectives.post.parameters.c: in: body is not supported")),
        parameter("{name: c, in: query, content: {application/json: {schema: {type: object}}}}")
            .becomes(Refused("paths./v1/onboarding/collectives.post.parameters.c: describe the parameter with a schema")),
        parameter("{name: c, in: query}")
            .becomes(Refused("paths./v1/onboarding/collectives.post.parameters.c: needs a schema")),
        parameter("{name: c, in: query, schema: {type: string, pattern: a}}")
            .becomes(Refused("paths./v1/onboarding/collectives.post.parameters.c: pattern would reject")),
        parameter("{name: c, in: query, schema: {type: string, nullable: true}}")
            .becomes(Refused("paths./v1/onboarding/collectives.post.parameters.c: must be text, a number or a boolean")),
        parameter("{name: c, in: query, schema: {type: array, items: {type: string}}}")
            .becomes(Refused("paths./v1/onboarding/collectives.post.parameters.c: must be text, a number or a boolean")),
        parameter("{name: c, in: query, schema: {$ref: '#/components/schemas/Entity'}}")
            .becomes(Refused("paths./v1/onboarding/collectives.post.parameters.c: must be text, a number or a boolean")),
        parameter("{name: c, in: header, schema: {}}")
            .becomes(Refused("paths./v1/onboarding/collectives.post.parameters.c: must be text, a number or a boolean")),
        parameter("{name: c, in: header, schema: {type: string, format: date-time}}")
            .becomes(Refused("paths./v1/onboarding/collectives.post.parameters.c: a date-time can be sent only in the query")),
        parameter("{name: c, in: query, allowReserved: true, schema: {type: string}}")
            .becomes(Refused("paths./v1/onboarding/collectives.post.parameters.c: remove allowReserved: progenitor ignores it")),
        parameter("{name: c, in: query, style: spaceDelimited, schema: {type: string}}")
            .becomes(Refused("paths./v1/onboarding/collectives.post.parameters.c: only the style form is supported")),
        parameter("{name: c, in: header, style: form, schema: {type: string}}")
            .becomes(Refused("paths./v1/onboarding/collectives.post.parameters.c: only the style simple is supported")),
        parameter("{name: Accept, in: header, schema: {type: string}}")
            .becomes(Refused("paths./v1/onboarding/collectives.post.parameters.Accept: OpenAPI ignores a header of this name")),
        parameter("{name: 'a b', in: header, schema: {type: string}}")
            .becomes(Refused("paths./v1/onboarding/collectives.post.parameters.a b: is not a valid name of a header")),
        parameter("{name: c, in: header, schema: {type: string}}, {name: c, in: query, schema: {type: string}}")
            .becomes(Refused("paths./v1/onboarding/collectives.post: has two parameters named c")),
        parameter("{name: a-b, in: query, schema: {type: string}}, {name: a_b, in: query, schema: {type: string}}")
            .becomes(Refused("paths./v1/onboarding/collectives.post: the parameters a-b and a_b have the same name")),
        parameter("{name: header-map, in: query, schema: {type: string}}").becomes(Refused(
            "paths./v1/onboarding/collectives.post: the generated code has a variable or a function named like the parameter header-map",
        )),
        parameter("{name: c, in: path, required: true, schema: {type: string}}")
            .becomes(Refused("paths./v1/onboarding/collectives.post.parameters.c: needs in: path if, and only if, the path has {c}")),
        change("- {name: id, in: path, required: true,", "- {name: id, in: path,").after(second_operation()).becomes(
            Refused("paths./v1/onboarding/requests/{id}.get.parameters.id: needs required: true"),
        ),
        change("/v1/onboarding/collectives:", "/v1/onboarding/{kind}:")
            .becomes(Refused("paths./v1/onboarding/{kind}.post: the parameter kind of the path is not described")),
        change("/v1/onboarding/collectives:", "/v1/onboarding/{kind:").becomes(Refused(
            "paths./v1/onboarding/{kind.post: the path must begin with a slash, and have each parameter once",
        )),
        parameter("{$ref: '#/components/parameters/P'}")
            .becomes(Refused("paths./v1/onboarding/collectives.post.parameters.0: $ref '#/components/parameters/P' does not name an entry")),
        parameter("{$ref: '#/components/parameters/P'}")
            .and("\n  schemas:\n", "\n  parameters: {P: {name: p, in: query, schema: {type: string, pattern: a}}}\n  schemas:\n")
            .becomes(Refused("components.parameters.P: pattern would reject")),
    ]
}

fn bodies() -> Vec<Edit> {
    vec![
        change("        '201':\n", "        '200':\n          $ref: '#/components/responses/Onboarding'\n        '201':\n")
            .and("\n  schemas:\n", "\n  responses:\n    Onboarding:\n      description: The request\n      content: {application/json: {schema: {$ref: '#/components/schemas/OnboardingRequest'}}}\n  schemas:\n")
            .becomes(Client("a second success with the same schema, in the components")),
        change("        '201':\n", "        2XX:\n").becomes(Client("a range of successes")),
        change("        '201':\n", "        201:\n").becomes(Client("a status without quotes")),
        change("          description: The request was refused.\n", "          description: The request was refused.\n          content: {application/problem+json: {schema: {type: object, properties: {title: {type: string}}}}, application/json: {schema: {type: object, properties: {code: {type: string}}}}}\n")
            .becomes(Client("an error with schemas of its own")),
        change("          description: The request was refused.\n", "          description: The request was refused.\n          content: {application/json: {schema: {$ref: '#/components/schemas/OnboardingError'}}}\n")
            .becomes(Client("an error with a schema from the components")),
        change("        '400':\n", "        default:\n").becomes(Client("a default response")),
        change("        '400':\n          description: The request was refused.\n", "        default:\n          description: x\n          content: {application/json: {schema: {type: object, properties: {code: {type: string}}}}}\n")
            .becomes(Client("a default response with a schema of its own")),
        change("          description: The request was refused.\n", "          description: The request was refused.\n          content: {application/json: {schema: {$ref: '#/components/schemas/Nobody'}}}\n")
            .becomes(Refused("paths./v1/onboarding/collectives.post.responses.400.content.application/json.schema: $ref '#/components/schemas/Nobody'")),
        change("          description: The request was refused.\n", "")
            .becomes(Refused("paths./v1/onboarding/collectives.post.responses.400: needs a description")),
        change("        '400':\n", "        '499':\n")
            .becomes(Refused("paths./v1/onboarding/collectives.post.responses.499: is neither a registered status")),
        change("        '201':", "        '301':").becomes(Refused(
            "paths./v1/onboarding/collectives.post: needs one or more 2xx responses, all with application/json and a $ref",
        )),
        change("        # INFERRED: documented for the entity endpoints", "        '200':\n          description: x\n          content: {application/json: {schema: {type: string}}}\n        # INF")
            .becomes(Refused("paths./v1/onboarding/collectives.post: needs one or more 2xx responses")),
        change("                $ref: '#/components/schemas/OnboardingRequest'", "                {type: array, items: {$ref: '#/components/schemas/OnboardingRequest'}}")
            .becomes(Refused("paths./v1/onboarding/collectives.post: needs one or more 2xx responses")),
        change("                $ref: '#/components/schemas/OnboardingRequest'", "                $ref: '#/components/schemas/OnboardingStatus'")
            .becomes(Refused("paths./v1/onboarding/collectives.post: needs one or more 2xx responses")),
        change("                $ref: '#/components/schemas/OnboardingRequest'", "                $ref: '#/components/schemas/Added'")
            .and("\n  schemas:\n", "\n  schemas:\n    Added: {type: object}\n")
            .becomes(Refused("paths./v1/onboarding/collectives.post: needs one or more 2xx responses")),
        change("        '400':\n          description: The request was refused.\n", "        '400':\n          $ref: '#/components/responses/Nothing'\n")
            .becomes(Refused("paths./v1/onboarding/collectives.post.responses.400: $ref '#/components/responses/Nothing' does not name")),
        change("        required: true\n", "").becomes(Refused(
            "paths./v1/onboarding/collectives.post.requestBody: needs required: true: the client always sends it",
        )),
        change("          application/json:\n            schema:\n              $ref: '#/components/schemas/CollectiveOnboardingRequest'", "          application/xml:\n            schema: {type: object}")
            .becomes(Refused("paths./v1/onboarding/collectives.post.requestBody: must have application/json, and no other")),
        change("          application/json:\n            schema:\n              $ref: '#/components/schemas/CollectiveOnboardingRequest'", "          text/json: {}\n          application/json:\n            schema:\n              $ref: '#/components/schemas/CollectiveOnboardingRequest'")
            .becomes(Refused("paths./v1/onboarding/collectives.post.requestBody: must have application/json, and no other")),
        change("            schema:\n              $ref: '#/components/schemas/CollectiveOnboardingRequest'\n", "")
            .becomes(Refused("paths./v1/onboarding/collectives.post.requestBody.content.application/json: needs a schema")),
        change("              $ref: '#/components/schemas/CollectiveOnboardingRequest'\n", "              type: object\n")
            .becomes(Refused("paths./v1/onboarding/collectives.post.requestBody.content.application/json.schema: must be a $ref")),
    ]
}

fn objects() -> Vec<Edit> {
    vec![
        schema("Nested: {type: object, required: [inline, kind], properties: {
            inline: {type: object, properties: {deep: {type: array, items: {type: array, items: {type: number}}}}},
            kind: {type: string, enum: [only]},
            kinds: {type: array, nullable: true, items: {type: string, enum: [a, b]}},
            state: {type: string, nullable: true, enum: [on, off]},
            map: {type: object, additionalProperties: {type: string}},
            maps: {type: object, additionalProperties: {$ref: '#/components/schemas/Nested'}},
            maybe: {nullable: true, allOf: [{$ref: '#/components/schemas/Entity'}]},
            described: {description: Another description., allOf: [{$ref: '#/components/schemas/Entity'}]},
            x-count: {type: integer, nullable: true},
            empty: {type: object, properties: {}},
            next: {$ref: '#/components/schemas/Nested'},
            count: {type: integer, format: int64, nullable: true},
            on: {type: boolean},
            any: {description: Any JSON., example: {$ref: 'nowhere'}},
            at: {type: string, format: date-time}}}")
            .becomes(Client("objects, enums, lists and maps within others")),
        schema("Combined: {allOf: [{$ref: '#/components/schemas/EntityReference'}, {type: object, properties: {more: {type: string, enum: [a]}}}]}")
            .becomes(Client("an object that extends another one")),
        schema("Map: {type: object, additionalProperties: {type: object, properties: {x: {type: string}}}}\n    List: {type: array, items: {$ref: '#/components/schemas/Text'}}\n    Text: {type: string}\n    Id: {type: string, format: uuid}\n    Count: {type: integer}\n    Anything: {description: Any JSON.}")
            .becomes(Client("components that are not objects")),
        schema("Loose: {type: object, additionalProperties: true, properties: {x: {type: string}}}")
            .becomes(Client("an object that says that it can grow")),
        schema("x-added: {type: object, properties: {x-kind: {type: integer, format: int32}}}")
            .becomes(Refused("components.schemas.x-added.properties.x-kind: the format int32 would reject")),
        schema("Added: {allOf: [{$ref: '#/components/schemas/Entity'}]}")
            .becomes(Refused("components.schemas.Added: allOf needs two or more objects to merge")),
        schema("Added: {allOf: [{$ref: '#/components/schemas/Entity'}, {type: object, properties: {owner: {type: integer}}}]}")
            .becomes(Refused("components.schemas.Added.allOf.1.properties.owner: components.schemas.Entity.properties.owner describes the same")),
        schema("Added: {allOf: [{$ref: '#/components/schemas/Added'}, {type: object, properties: {x: {type: string}}}]}")
            .becomes(Refused("components.schemas.Added.allOf.0: is part of itself")),
        schema("Added: {allOf: [{$ref: '#/components/schemas/Other'}, {type: object, properties: {x: {type: string}}}]}\n    Other: {allOf: [{$ref: '#/components/schemas/Added'}, {type: object, properties: {y: {type: string}}}]}")
            .becomes(Refused("components.schemas.Other.allOf.0: is part of itself")),
        property("{allOf: [{$ref: '#/components/schemas/Added'}, {type: object, properties: {y: {type: string}}}]}")
            .becomes(Refused("components.schemas.Added.properties.x: only a single $ref can be in allOf here")),
        property("{allOf: []}").becomes(Refused("components.schemas.Added.properties.x: only a single $ref")),
        property("{type: string}, x: {type: integer}").becomes(Refused("components.schemas.Added.properties: duplicate entry")),
        schema("Added: {type: object, additionalProperties: false}")
            .becomes(Refused("components.schemas.Added: additionalProperties: false would reject")),
        schema("Added: {type: object, properties: {x: {type: string}}, additionalProperties: {type: string}}")
            .becomes(Refused("components.schemas.Added.additionalProperties: would reject properties")),
        schema("Added: {type: object, maxProperties: 3}")
            .becomes(Refused("components.schemas.Added: maxProperties would reject")),
        schema("Added: {type: object, required: [x]}")
            .becomes(Refused("components.schemas.Added.required.0: \"x\" is not among the properties")),
        schema("Added: {type: object, required: [x], properties: {x: {type: string, readOnly: true}}}")
            .becomes(Refused("components.schemas.Added.properties.x: is required, but readOnly or writeOnly omits it")),
        schema("Added: {properties: {x: {type: string}}}")
            .becomes(Refused("components.schemas.Added: properties needs type: object")),
        schema("Added: {title: Other, type: object}").becomes(Refused("components.schemas.Added: title would name")),
        schema("Added: {$ref: '#/components/schemas/Entity'}")
            .becomes(Refused("components.schemas.Added: is an alias")),
        schema("Added: {type: object, nullable: true}")
            .becomes(Refused("components.schemas.Added: say nullable where the schema is used")),
        schema("Added: {allOf: [{$ref: '#/components/schemas/Entity'}, {$ref: '#/components/schemas/EntityType'}]}")
            .becomes(Refused("components.schemas.Added.allOf.1: allOf can only merge objects")),
        schema("Added: {type: object, allOf: [{$ref: '#/components/schemas/Entity'}]}")
            .becomes(Refused("components.schemas.Added: allOf needs two or more objects")),
        schema("Added: {type: object, properties: {x: {$ref: '#/components/schemas/Entity', description: x}}}")
            .becomes(Refused("components.schemas.Added.properties.x: OpenAPI ignores keys next to a $ref")),
        schema("Added: {type: object, properties: {x: {$ref: 'other.yaml#/X'}}}")
            .becomes(Refused("components.schemas.Added.properties.x: $ref 'other.yaml#/X' does not name an entry")),
        schema("Added: {type: object, properties: {x: {$ref: '#/components/schemas/Entity/properties/id'}}}")
            .becomes(Refused("components.schemas.Added.properties.x: $ref '#/components/schemas/Entity/properties/id' does not")),
        change("'#/components/schemas/EntityReference'", "'#/components/schemas/Nobody' # as on the page").becomes(Refused(
            "components.schemas.Entity.properties.reference: $ref '#/components/schemas/Nobody' does not name an entry",
        )),
        property("{oneOf: [{type: string}, {type: object}]}")
            .becomes(Refused("components.schemas.Added.properties.x: oneOf cannot be told apart")),
        property("{anyOf: [{type: string}, {type: object}]}")
            .becomes(Refused("components.schemas.Added.properties.x: anyOf cannot be told apart")),
        property("{not: {type: string}}").becomes(Refused("components.schemas.Added.properties.x: not would reject")),
    ]
}

fn values() -> Vec<Edit> {
    vec![
        property("{type: string, format: uri}").becomes(Client("a format that stays text")),
        property("{type: string, default: a}")
            .becomes(Refused("components.schemas.Added.properties.x: default would look like a received value")),
        property("{type: string, pattern: '^a'}")
            .becomes(Refused("components.schemas.Added.properties.x: pattern would reject")),
        property("{type: string, minLength: 1}")
            .becomes(Refused("components.schemas.Added.properties.x: minLength would reject")),
        property("{type: string, format: ipv4}")
            .becomes(Refused("components.schemas.Added.properties.x: the format ipv4 may reject")),
        property("{type: string, format: date}")
            .becomes(Refused("components.schemas.Added.properties.x: the format date may reject")),
        property("{type: integer, enum: [1, 2]}")
            .becomes(Refused("components.schemas.Added.properties.x: enum would reject")),
        property("{type: number, enum: [1.5]}")
            .becomes(Refused("components.schemas.Added.properties.x: enum would reject")),
        property("{type: boolean, enum: [true]}")
            .becomes(Refused("components.schemas.Added.properties.x: enum would reject")),
        property("{enum: [a, 1]}").becomes(Refused("components.schemas.Added.properties.x: enum would reject")),
        property("{type: integer, minimum: 1}")
            .becomes(Refused("components.schemas.Added.properties.x: minimum would reject")),
        property("{type: integer, format: int32}")
            .becomes(Refused("components.schemas.Added.properties.x: the format int32 would reject")),
        property("{type: integer, format: uint64}")
            .becomes(Refused("components.schemas.Added.properties.x: the format uint64 would reject")),
        property("{type: number, format: float}")
            .becomes(Refused("components.schemas.Added.properties.x: the format float would reject")),
        property("{type: number, maximum: 1}")
            .becomes(Refused("components.schemas.Added.properties.x: maximum would reject")),
        property("{type: array, items: {type: string}, uniqueItems: true}")
            .becomes(Refused("components.schemas.Added.properties.x: uniqueItems would reject")),
        property("{type: array, items: {type: string, pattern: a}}")
            .becomes(Refused("components.schemas.Added.properties.x.items: pattern would reject")),
        property("{type: array}").becomes(Refused("components.schemas.Added.properties.x: needs items")),
        property("{type: arrow}").becomes(Refused("components.schemas.Added.properties.x: arrow is not a type")),
        property("{type: [string, 'null']}")
            .becomes(Refused("components.schemas.Added.properties.x.type: must be text")),
        property("{type: string, nulable: true}")
            .becomes(Refused("components.schemas.Added.properties.x: nulable is not supported here")),
        property("{type: string, nullable: true, enum: [a, null]}")
            .becomes(Refused("components.schemas.Added.properties.x.enum.1: write nullable: true")),
        property("{type: string, nullable: 'true'}")
            .becomes(Refused("components.schemas.Added.properties.x.nullable: must be true or false")),
        property("{type: string, description: 3}")
            .becomes(Refused("components.schemas.Added.properties.x.description: must be text, and is 3")),
        property("{type: string, description: \"a\\rb\"}")
            .becomes(Refused("components.schemas.Added.properties.x.description: has a carriage return")),
        property("{type: string, enum: [a, a]}")
            .becomes(Refused("components.schemas.Added.properties.x: the option a is listed twice")),
        property("{type: string, enum: []}")
            .becomes(Refused("components.schemas.Added.properties.x: enum needs an option")),
        property("{type: string, enum: [yes, 1]}")
            .becomes(Refused("components.schemas.Added.properties.x.enum.1: must be text, and is 1")),
    ]
}

fn names() -> Vec<Edit> {
    vec![
        schema("Keywords: {type: object, properties: {
            pattern: {type: string}, example: {allOf: [{$ref: '#/components/schemas/Entity'}]}, default: {type: string},
            enum: {type: array, items: {type: string}}, self: {type: string}, crate: {type: string}, '1st': {type: string}}}")
            .becomes(Client("properties that are named like keywords")),
        schema("String: {type: object, properties: {option: {type: string, enum: [Self, '1', '', 'a b']}}}\n    Option: {type: string, enum: [None, Some, Ok]}\n    Result: {type: object, properties: {x: {$ref: '#/components/schemas/Option'}}}\n    Vec: {type: object, properties: {x: {$ref: '#/components/schemas/String'}}}\n    Error: {type: object, properties: {x: {type: array, items: {$ref: '#/components/schemas/Vec'}}}}\n    Client: {type: string, enum: [a]}\n    Default: {type: object}\n    Box: {type: string, enum: [b]}")
            .becomes(Client("schemas that are named like Rust's types")),
        schema("Added: {type: string, enum: [Err, Ok, Error, Value, S, D]}")
            .becomes(Client("options that are named like associated types")),
        change("        - Household\n", "        - Household\n        - Unknown\n").becomes(Client("an option named Unknown")),
        schema("Added: {type: object, properties: {a-b: {type: string}, a_b: {type: string}}}")
            .becomes(Refused("components.schemas.Added: the properties a-b and a_b have the same name in Rust")),
        schema("Added: {type: string, enum: [a-b, a_b]}")
            .becomes(Refused("components.schemas.Added: the options a-b and a_b have the same name in Rust")),
        schema("Added: {type: object}\n    added: {type: object}").becomes(Refused(
            "components.schemas.added: its type has the same name in Rust as that of components.schemas.Added",
        )),
        schema("Added: {type: object, properties: {kind: {type: string, enum: [a]}}}\n    AddedKind: {type: string, enum: [b]}").becomes(Refused(
            "components.schemas.AddedKind: its type has the same name in Rust as that of components.schemas.Added.properties.kind",
        )),
    ]
}

fn change(from: &str, to: &str) -> Changes {
    Changes(vec![Change { from: from.to_owned(), to: to.to_owned() }])
}

/// One more line of the operation.
fn operation(line: &str) -> Changes {
    change("      tags: [Onboarding]\n", &format!("      tags: [Onboarding]\n      {line}\n"))
}

fn parameter(parameters: &str) -> Changes {
    operation(&format!("parameters: [{parameters}]"))
}

fn schema(schema: &str) -> Changes {
    change("\n  schemas:\n", &format!("\n  schemas:\n    {schema}\n"))
}

/// An object with the property `x`.
fn property(of: &str) -> Changes {
    schema(&format!("Added: {{type: object, properties: {{x: {of}}}}}"))
}

impl Changes {
    fn and(mut self, from: &str, to: &str) -> Self {
        self.0.extend(change(from, to).0);
        self
    }

    fn after(mut self, other: Edit) -> Self {
        self.0.splice(0..0, other.changes.0);
        self
    }

    fn becomes(self, becomes: Becomes) -> Edit {
        Edit { changes: self, becomes }
    }
}
