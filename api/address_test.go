package api

import (
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"lignum/tenants/limits"
)

// What a client writes about its own address is never believed, however many lines it writes; what our proxies wrote is.
func TestTheAddressIsWhatOurProxiesSaw(t *testing.T) {
	for _, c := range []struct {
		proxies []string
		lines   []string
		want    string
	}{
		{nil, []string{"203.0.113.7"}, "0.0.0.0"},
		{[]string{"10.0.0.0/8"}, []string{"203.0.113.7"}, "0.0.0.0"},
		{[]string{"0.0.0.0/32"}, []string{"203.0.113.7"}, "203.0.113.7"},
		{[]string{"0.0.0.0/32"}, []string{"198.51.100.1, 203.0.113.7"}, "203.0.113.7"},
		{[]string{"0.0.0.0/32"}, []string{"198.51.100.1", "203.0.113.7"}, "203.0.113.7"}, // a proxy that adds a line of its own
		{[]string{"0.0.0.0/32", "10.0.0.0/8"}, []string{"198.51.100.1", "203.0.113.7, 10.1.2.3"}, "203.0.113.7"},
		{[]string{"0.0.0.0/32"}, []string{"203.0.113.7, junk"}, "0.0.0.0"},
		{[]string{"0.0.0.0/32"}, nil, "0.0.0.0"},
	} {
		s := &Server{}
		for _, p := range c.proxies {
			s.proxies = append(s.proxies, netip.MustParsePrefix(p))
		}
		app := fiber.New()
		app.Get("/", func(fc *fiber.Ctx) error {
			if got := s.clientAddress(fc).String(); got != c.want {
				t.Errorf("%+v: %s", c, got)
			}
			return nil
		})
		req := httptest.NewRequest("GET", "/", nil) // Fiber's test connection comes from 0.0.0.0
		for _, line := range c.lines {
			req.Header.Add("X-Forwarded-For", line)
		}
		res, err := app.Test(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
}

// A household has a network of /64, a site one of /48: with all its addresses it has no more than some shares.
func TestAnIPv6NetworkIsOneVisitor(t *testing.T) {
	for address, want := range map[string]string{"203.0.113.7": "203.0.113.7", "::ffff:203.0.113.7": "203.0.113.7", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64"} {
		if got := networkText(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s is of %s, want %s", address, got, want)
		}
	}
	if networkText(netip.Addr{}) != "" {
		t.Error("no address has a network")
	}
	now := time.Unix(1_700_000_000, 0)
	s := &Server{shares: limits.NewShares(func() time.Time { return now })}
	whole := addressShare.PerSecond * int64(addressShare.Window/time.Second)
	from := func(network, host byte) netip.Addr {
		return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0, 1, 7: network, 15: host})
	}
	if !s.fromAddress(from(1, 1), whole).OK || s.fromAddress(from(1, 2), 1).OK {
		t.Error("two addresses of one network have two shares")
	}
	served := 0
	for n := byte(2); n < 100; n++ {
		if s.fromAddress(from(n, 1), whole).OK {
			served++
		}
	}
	if served < wide-2 || served >= wide {
		t.Errorf("a site has %d shares, want about %d", served, wide)
	}
	if !s.fromAddress(netip.MustParseAddr("2001:db8:2::1"), 1).OK {
		t.Error("another site is refused")
	}
}
