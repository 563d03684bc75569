package api

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"lignum/domain"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/packages"
)

// Packages bring scripts of their own, which nobody has looked at. They are shown at https://<slug>-<origin>.<sandbox domain>/, a host for each, which knows no
// session and no route: nothing but the files of that package is there. Whoever has the name of the host may read them, as whoever was given a copy
// may: nothing in a package is personal, and the name cannot be guessed (tenants/packages). .github/decisions/0023-sandbox-origin.md says why it is as it is.

// packageFile is under what the metrics count the files of packages.
var packageFile = &Route{Method: http.MethodGet, Path: "/{file} of a package", Permission: policy.Public("who knows the name of its host was given the package")}

// packageKept is how long a browser keeps a file of a package; nobody else does, so that a tenant that is suspended shows none.
const packageKept = "private, max-age=3600"

// PackageURL is where a package is shown; "" where this installation has no sandbox domain.
func (c *Call) PackageURL(p *packages.Package) string {
	if c.Server.cfg.SandboxDomain == "" || c.Tenant == nil {
		return ""
	}
	return c.Server.cfg.URL(p.Label(c.Tenant.Slug) + "." + c.Server.cfg.SandboxDomain)
}

// sandbox answers whatever is asked of a host of packages, so that nothing of the program is there. It comes before everything else.
func (s *Server) sandbox(fc *fiber.Ctx) error {
	above := s.cfg.SandboxDomain
	host := tenants.NormalHost(string(fc.Context().Host()))
	if above == "" || host != above && !strings.HasSuffix(host, "."+above) {
		return fc.Next()
	}
	start := time.Now()
	visitor := s.clientAddress(fc)
	arrived(fc, detach(fc))
	s.confine(fc, "default-src 'none'; frame-ancestors 'none'")
	realm, err := "unknown", error(nil)
	switch v := s.shares.Take(addressKey(ofFiles, visitor, ""), costAsked, filesShare); {
	case !v.OK:
		err = overQuota(v)
	case fc.Method() != fiber.MethodGet && fc.Method() != fiber.MethodHead: // nothing can be done here, nor is anybody told what could
		err = domain.Refuse(domain.NotFound, "domain.there_is_nothing_at_this")
	default:
		realm, err = s.fromPackage(fc, strings.TrimSuffix(strings.TrimSuffix(host, above), "."))
	}
	if err != nil {
		p := problemOf(err)
		if p.Status == http.StatusNotFound {
			s.shares.Charge(addressKey(ofFiles, visitor, ""), costOver, filesShare)
		}
		if p.Status >= http.StatusInternalServerError {
			s.Log.Error("a file of a package was not sent", "err", Causes(err), "realm", realm)
		}
		if p.retryAfter > 0 {
			fc.Set(fiber.HeaderRetryAfter, strconv.Itoa(p.retryAfter))
		}
		err = p.write(fc)
	}
	status := fc.Response().StatusCode()
	s.metrics.request(realm, packageFile, status, time.Since(start))
	s.Log.Debug("request", slog.String("realm", realm), slog.String("route", packageFile.Path), slog.Int("status", status))
	return err
}

// fromPackage sends a file of the package that a label names, and says whose it is.
func (s *Server) fromPackage(fc *fiber.Ctx, label string) (realm string, err error) {
	nothing := domain.Refuse(domain.NotFound, "domain.there_is_nothing_at_this")
	slug, origin, ok := packages.Split(label)
	if !ok {
		return "unknown", nothing
	}
	t, err := s.registry.Tenant(slug)
	if err != nil || t.Allows().Takes == policy.TakesNothing {
		return "unknown", nothing
	}
	realm = t.Realm().Name()
	path, ok := entryPath(string(fc.Request().URI().PathOriginal()))
	if !ok {
		return realm, nothing
	}
	db := s.store.DB(t.Realm())
	ctx, cancel := requestContext(s.base)
	defer cancel()
	var e packages.Entry
	if err := db.Read(ctx, func(r *tenants.Reader) (err error) { e, err = packages.Find(ctx, r, origin, path); return err }); err != nil {
		return realm, err
	}
	hosts := s.registry.HostsOf(t.Slug)
	for i := range hosts {
		hosts[i] = s.cfg.URL(hosts[i])
	}
	s.confine(fc, packagePolicy+strings.Join(hosts, " "))
	from, to, status := rangeOf(fc, e.Size)
	fc.Set(fiber.HeaderContentType, e.ContentType)
	fc.Set(fiber.HeaderCacheControl, packageKept)
	fc.Set(fiber.HeaderAcceptRanges, "bytes")
	if e.Size == 0 {
		return realm, nil
	}
	sent, end := context.WithTimeout(s.base, contentTime)
	r, err := s.Files.Read(sent, t.Realm(), &e.File, e.At+from, to-from+1)
	if err != nil {
		end()
		s.confine(fc, "default-src 'none'; frame-ancestors 'none'")
		fc.Response().Header.Del(fiber.HeaderAcceptRanges)
		return realm, err
	}
	if status == http.StatusPartialContent {
		fc.Set(fiber.HeaderContentRange, contentRange(from, to, e.Size))
	}
	fc.Status(status)
	fc.Context().SetBodyStream(sending{r, end}, int(to-from+1))
	return realm, nil
}

// entryPath is the path of an entry that a request asks for: decoded once, and as it stands, so that nothing leads out of the package. ok: it may be one.
func entryPath(asked string) (path string, ok bool) {
	path, err := url.PathUnescape(asked)
	if err != nil || !strings.HasPrefix(path, "/") {
		return "", false
	}
	if path = path[1:]; path == "" || strings.HasSuffix(path, "/") {
		path += packages.Start
	}
	return path, fs.ValidPath(path) && !strings.ContainsAny(path, "\\\x00")
}

// packagePolicy is what a package may do: run scripts, and load files, of its own host alone. sandbox without allow-same-origin gives each document of it an
// origin that equals no other, so that it has neither cookies nor storage, not even opened by itself. Who may frame it is written behind.
const packagePolicy = "sandbox allow-scripts; default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' blob:; " +
	"font-src 'self' data:; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors "

// noFeatures are those of a browser that a package may not use.
const noFeatures = "accelerometer=(), autoplay=(), bluetooth=(), camera=(), clipboard-read=(), clipboard-write=(), display-capture=(), encrypted-media=(), fullscreen=(), geolocation=(), gyroscope=(), hid=(), " +
	"identity-credentials-get=(), local-fonts=(), magnetometer=(), microphone=(), midi=(), payment=(), picture-in-picture=(), publickey-credentials-get=(), screen-wake-lock=(), serial=(), storage-access=(), usb=(), " +
	"web-share=(), xr-spatial-tracking=()"

// confine sets the headers of an answer of a host of packages. Its documents have origins of their own, for which their own host is another: so its files may be
// loaded from anywhere, which whoever knows the host can do by any other means as well, and never with credentials.
func (s *Server) confine(fc *fiber.Ctx, policy string) {
	fc.Set("Content-Security-Policy", policy)
	fc.Set("X-Content-Type-Options", "nosniff")
	fc.Set("Referrer-Policy", "no-referrer")
	fc.Set("Permissions-Policy", noFeatures)
	fc.Set("Origin-Agent-Cluster", "?1")
	fc.Set("Cross-Origin-Opener-Policy", "same-origin")
	fc.Set("Cross-Origin-Resource-Policy", "cross-origin")
	fc.Set("Access-Control-Allow-Origin", "*")
	fc.Set("X-DNS-Prefetch-Control", "off")
	fc.Set("Cache-Control", "no-store")
	if s.cfg.Scheme == "https" {
		fc.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
	}
}
