package api

import _ "embed" // the document is a file of its own, for tools that read it there

// OpenAPI describes the surface for tools, in YAML.
//
//go:embed openapi.yaml
var OpenAPI string
