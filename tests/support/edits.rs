//! Edits of `openapi.yaml` that the build accepts. `tests/second-operation` compiles all of them together.

/// An edit of the description: the first `from` becomes `to`.
pub struct Edit {
    pub what: &'static str,
    pub from: &'static str,
    pub to: &'static str,
}

impl Edit {
    pub fn of(&self, spec: &str) -> String {
        assert!(spec.contains(self.from), "{}: {:?} is not in the description", self.what, self.from);
        spec.replacen(self.from, self.to, 1)
    }
}

pub const ACCEPTED: &[Edit] = &[
    Edit {
        what: "a second operation, before the first one, whose parameters are named like progenitor's own variables",
        from: "\npaths:\n",
        to: "
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
    },
    Edit {
        what: "a second success with the same schema",
        from: "        '201':\n",
        to: "        '200':\n          $ref: '#/components/responses/Onboarding'\n        '201':\n",
    },
    Edit {
        what: "a response in the components",
        from: "\n  schemas:\n",
        to: "
  responses:
    Onboarding:
      description: The request
      content: {application/json: {schema: {$ref: '#/components/schemas/OnboardingRequest'}}}
  schemas:
",
    },
    Edit {
        what: "an example and an extension that contain $ref",
        from: "\n  schemas:\n",
        to: "
  schemas:
    WithExample:
      description: An object.
      type: object
      x-note: {$ref: 'nowhere'}
      properties:
        json: {description: Any JSON., example: {$ref: 'nowhere'}}
",
    },
    Edit {
        what: "properties that are named like keywords",
        from: "\n  schemas:\n",
        to: "
  schemas:
    Keywords:
      description: An object.
      type: object
      properties:
        pattern: {description: Text., type: string}
        example: {description: A reference., allOf: [{$ref: '#/components/schemas/Entity'}]}
        default: {description: Text., type: string}
        enum: {description: Texts., type: array, items: {type: string}}
        self: {description: Text., type: string}
        crate: {description: Text., type: string}
",
    },
    Edit {
        what: "objects, enums, lists and maps within others",
        from: "\n  schemas:\n",
        to: "
  schemas:
    Nested:
      description: An object.
      type: object
      required: [inline, kind]
      properties:
        inline: {description: An object., type: object, properties: {deep: {type: array, items: {type: array, items: {type: number}}}}}
        kind: {description: A kind., type: string, enum: [only]}
        state: {description: A state., type: string, nullable: true, enum: [on, off]}
        map: {description: Texts., type: object, additionalProperties: {type: string}}
        maps: {description: Objects., type: object, additionalProperties: {$ref: '#/components/schemas/Nested'}}
        next: {$ref: '#/components/schemas/Nested'}
        count: {description: A number., type: integer, format: int32, nullable: true}
        on: {description: Yes or no., type: boolean}
        text: {description: Text., type: string}
",
    },
    Edit {
        what: "an object that extends another one",
        from: "\n  schemas:\n",
        to: "
  schemas:
    Combined:
      description: An object.
      allOf:
        - $ref: '#/components/schemas/EntityReference'
        - {type: object, properties: {more: {type: string}}}
",
    },
    Edit { what: "an option named Unknown", from: "        - Household\n", to: "        - Household\n        - Unknown\n" },
];
