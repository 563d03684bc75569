// Package learner is the pages of who learns: the day, classes, lessons, tests and their results, points. Who teaches sees some of them too, such as a
// test, with what is theirs to set.
package learner

import (
	"embed"

	"lignum/api"
	"lignum/api/web"
)

//go:embed pages kinds
var files embed.FS

var pages = web.Parse(files)

// Register puts the pages of this package on the server.
func Register(s *api.Server) {
	for _, pages := range []func(*api.Server){homePages, classPages, lessonPages, attemptPages, triesPages, pointPages, windowForms} {
		pages(s)
	}
}
