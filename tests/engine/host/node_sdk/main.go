// Writes the Node.js SDK of a package: pulumi-node-sdk SCHEMA FOLDER. This is the generator of Pulumi's own language
// host for Node.js, which cannot be had from the Go module proxy; `.ci/node` builds it.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

func main() {
	text, err := os.ReadFile(os.Args[1])
	check(err)
	var spec schema.PackageSpec
	check(json.Unmarshal(text, &spec))
	bound, err := schema.ImportSpec(spec, nil, schema.NewNullLoader(), schema.ValidationOptions{})
	check(err)
	files, err := nodejs.GeneratePackage("pulumi", bound, nil, nil, true, nil)
	check(err)
	for name, content := range files {
		path := filepath.Join(os.Args[2], name)
		check(os.MkdirAll(filepath.Dir(path), 0o755))
		check(os.WriteFile(path, content, 0o644))
	}
}

func check(err error) {
	if err != nil {
		// a package of Pulumi's silences the standard logger
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
