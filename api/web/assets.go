package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"lignum/api"
	"lignum/domain"
	"lignum/domain/words"
	"lignum/policy"
)

//go:embed static
var static embed.FS

//go:embed say.js
var sayScript []byte

type staticFile struct {
	body       []byte
	packed     func() map[string][]byte // by the name of the encoding
	kind, hash string
}

var mediaTypes = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

func newStaticFile(name string, body []byte) staticFile {
	sum := sha256.Sum256(body)
	packed := sync.OnceValue(func() map[string][]byte {
		return map[string][]byte{"br": fasthttp.AppendBrotliBytesLevel(nil, body, fasthttp.CompressBrotliBestCompression),
			"gzip": fasthttp.AppendGzipBytesLevel(nil, body, fasthttp.CompressBestCompression)}
	})
	return staticFile{body, packed, mediaTypes[path.Ext(name)], hex.EncodeToString(sum[:6])}
}

// staticFiles are the static files by name, each with the hash that is in its address, beside those that say something.
var staticFiles = sync.OnceValue(func() map[string]staticFile {
	all := map[string]staticFile{}
	for name, body := range sources() {
		if len(saidBy(name, body)) == 0 {
			all[name] = newStaticFile(name, body)
		}
	}
	return all
})

// scripts are those that say something, once for each language with its words in them, so that no page has to carry these: "lignum.en.js". They are made
// when somebody reads the language first.
var scripts = sync.OnceValue(func() map[words.Language]func() map[string]staticFile {
	in := map[words.Language]func() map[string]staticFile{}
	for _, l := range append(words.Languages(), words.Pseudo) {
		in[l] = sync.OnceValue(func() map[string]staticFile {
			all := map[string]staticFile{}
			for name, body := range sources() {
				if said := saidBy(name, body); len(said) > 0 {
					name = spoken(name, l)
					all[name] = newStaticFile(name, speaking(body, said, l))
				}
			}
			return all
		})
	}
	return in
})

// file finds a static file by the name in its address.
func file(name string) (staticFile, bool) {
	f, ok := staticFiles()[name]
	if !ok {
		l := strings.TrimPrefix(path.Ext(strings.TrimSuffix(name, ".js")), ".")
		if in := scripts()[words.Language(l)]; in != nil {
			f, ok = in()[name]
		}
	}
	return f, ok
}

// sources are the static files as they are written, by name; the modules of a folder are one.
var sources = sync.OnceValue(func() map[string][]byte {
	all := map[string][]byte{}
	entries, err := static.ReadDir("static")
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			all[e.Name()+".js"] = together(e.Name())
			continue
		}
		if all[e.Name()], err = static.ReadFile("static/" + e.Name()); err != nil {
			panic(err)
		}
	}
	return all
})

var (
	imported = regexp.MustCompile(`(?m)^import (\w+) from "\./(\w+)\.js";$`)
	exported = regexp.MustCompile(`(?m)^export default `)
)

// together makes one script of a folder of modules, each of which exports one thing: window.<folder>.<name of the file>. A weak
// network carries one file better than eight, and an address with a hash in it cannot be written into an import. A module
// imports others of its folder that stand before it in the alphabet.
func together(folder string) []byte {
	modules, err := static.ReadDir("static/" + folder)
	if err != nil {
		panic(err)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "window.%s = {};\n", folder)
	for _, m := range modules {
		body, err := static.ReadFile("static/" + folder + "/" + m.Name())
		if err != nil {
			panic(err)
		}
		body = imported.ReplaceAll(body, []byte("const $1 = "+folder+".$2;"))
		fmt.Fprintf(&out, "%s.%s = (() => {\n%s})();\n", folder, strings.TrimSuffix(m.Name(), ".js"), exported.ReplaceAll(body, []byte("return ")))
	}
	return out.Bytes()
}

// sayingInScript finds where a script says something: t("script.saving").
var sayingInScript = regexp.MustCompile(`\bt\("([^"]*)"`)

// saidBy are the keys of the messages that a script names, sorted; other files name none.
func saidBy(name string, script []byte) (keys []string) {
	if path.Ext(name) != ".js" {
		return nil
	}
	for _, m := range sayingInScript.FindAllSubmatch(script, -1) {
		keys = append(keys, string(m[1]))
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// spoken is the name of a script in a language.
func spoken(name string, l words.Language) string {
	return strings.TrimSuffix(name, ".js") + "." + string(l) + ".js"
}

// speaking puts the words of a language into a script. It panics on a key without words.
func speaking(script []byte, keys []string, l words.Language) []byte {
	said := map[string]any{}
	for _, key := range keys {
		m := l.Message(key)
		if m == nil {
			panic(fmt.Sprintf("a script says %q, which has no words", key))
		}
		said[key] = m.Other()
		if m.Counts() {
			all := map[string]string{}
			for _, form := range m {
				all[form.Category] = form.Text
			}
			said[key] = all
		}
	}
	texts, err := domain.JSON(said)
	if err != nil {
		panic(err)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "((t) => {\n%s})(%s(%s, %q));\n", script, bytes.TrimSpace(sayScript), texts, l)
	return out.Bytes()
}

// Asset is the address of a static file, in a language where it has words. It changes with the content, so browsers may keep the file for good.
func Asset(l words.Language, name string) (string, error) {
	f, ok := file(name)
	if !ok {
		name = spoken(name, l)
		if f, ok = file(name); !ok {
			return "", fmt.Errorf("there is no static file %q", name)
		}
	}
	return "/assets/" + f.hash + "/" + name, nil
}

// Register serves the static files and makes the error page. Call it once for a server, before its pages.
func Register(s *api.Server) {
	s.ErrorPage = errorPage
	api.Bare(s, api.Route{Path: "/assets/{hash}/{file}", Permission: policy.Public("style sheet and script are the same for everybody"), Summary: "Static files"}, serveAsset)
}

func serveAsset(fc *fiber.Ctx) error {
	f, ok := file(fc.Params("file"))
	if !ok || f.hash != fc.Params("hash") {
		return fiber.NewError(http.StatusNotFound)
	}
	fc.Set(fiber.HeaderContentType, f.kind)
	fc.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
	fc.Set(fiber.HeaderVary, fiber.HeaderAcceptEncoding)
	if name := encoding(fc.Get(fiber.HeaderAcceptEncoding)); name != "" {
		fc.Set(fiber.HeaderContentEncoding, name)
		return fc.Send(f.packed()[name])
	}
	return fc.Send(f.body)
}
