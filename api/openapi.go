package api

import _ "embed" // the document is a separate file, which tools read in the repository

// OpenAPI describes the surface for tools, in YAML.
//
//go:embed openapi.yaml
var OpenAPI string
