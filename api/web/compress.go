package web

import (
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"lignum/api"
)

// compressed are the pages that are sent compressed, by their routes. A page that is not named here is sent as it is: a secret
// that is compressed together with what somebody else put into the request can be guessed from the length of the answer
// (BREACH). So whoever adds a page to the table has looked that it holds no secret: no ticket of an attempt, no code of a
// card, no key or recovery code of an authenticator, and no form that is shown again with what was typed.
var compressed = map[string]string{}

func init() {
	for reason, pages := range map[string][]string{
		"the same for everybody":                           {"/privacy", "/sign-in"},
		"a learner's own work, without a ticket":           {"/home", "/classes", "/classes/{class}", "/courses/{course}/lessons/{lesson}", "/resources", "/tests/{test}", "/attempts", "/attempts/{attempt}/result", "/points", "/leaderboard"},
		"an account and its devices, without its tokens":   {"/account"},
		"lists and records of staff, without a code":       {"/classes/manage", "/classes/manage/{class}", "/learners", "/learners/{learner}", "/people", "/people/{user}", "/roles", "/roles/{role}", "/figures", "/audit", "/settings"},
		"tenants and what they use, without an invitation": {"/console", "/console/tenants/{tenant}", "/console/audit"},
	} {
		for _, page := range pages {
			compressed[page] = reason
		}
	}
}

// mayCompress reports whether this answer may be compressed: a page of the table that went well, asked for without a query, of
// which a page repeats more than is checked here.
func mayCompress(c *api.Call, fc *fiber.Ctx) bool {
	return compressed[c.Path()] != "" && fc.Method() == fiber.MethodGet && len(fc.Request().URI().QueryString()) == 0 &&
		fc.Response().StatusCode() == fiber.StatusOK
}

// smallest is how many bytes are worth the work.
const smallest = 1 << 10

// send gives a page to the browser, compressed where it may be.
func send(c *api.Call, fc *fiber.Ctx, page []byte) error {
	fc.Set(fiber.HeaderContentType, "text/html; charset=utf-8")
	fc.Vary(fiber.HeaderAcceptEncoding)
	if len(page) < smallest || !mayCompress(c, fc) {
		return fc.Send(page)
	}
	switch encoding(fc.Get(fiber.HeaderAcceptEncoding)) {
	case "br":
		fc.Set(fiber.HeaderContentEncoding, "br")
		return fc.Send(fasthttp.AppendBrotliBytesLevel(nil, page, 4)) // as quick as gzip, and a tenth smaller
	case "gzip":
		fc.Set(fiber.HeaderContentEncoding, "gzip")
		return fc.Send(fasthttp.AppendGzipBytesLevel(nil, page, fasthttp.CompressDefaultCompression))
	}
	return fc.Send(page)
}

// encoding picks brotli or gzip out of an Accept-Encoding header (RFC 9110, 12.5.3), or "": as it is.
func encoding(accepts string) string {
	weights := map[string]float64{}
	for part := range strings.SplitSeq(accepts, ",") {
		name, parameter, _ := strings.Cut(part, ";")
		weight := 1.0
		if text, ok := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(parameter), " ", ""), "q="); ok {
			var err error
			if weight, err = strconv.ParseFloat(text, 64); err != nil {
				weight = 0
			}
		}
		weights[strings.ToLower(strings.TrimSpace(name))] = weight
	}
	of := func(name string) float64 {
		if weight, named := weights[name]; named {
			return weight
		}
		return weights["*"]
	}
	switch {
	case of("br") > 0 && of("br") >= of("gzip"):
		return "br"
	case of("gzip") > 0:
		return "gzip"
	}
	return ""
}
