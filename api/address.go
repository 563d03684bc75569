package api

import (
	"bytes"
	"net/netip"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// clientAddress is who sent the request. X-Forwarded-For is read from its end, which the nearest proxy wrote, and only as
// long as the addresses are our own proxies': what a client writes in front of it is never believed.
func (s *Server) clientAddress(fc *fiber.Ctx) netip.Addr {
	addr, ok := netip.AddrFromSlice(fc.Context().RemoteIP())
	if !ok {
		return addr
	}
	addr = addr.Unmap()
	if !s.trusted(addr) {
		return addr
	}
	// Several header lines are one list (RFC 9110 section 5.3): a proxy may have added its own line under a client's.
	hops := strings.Split(string(bytes.Join(fc.Request().Header.PeekAll(fiber.HeaderXForwardedFor), []byte(","))), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = hop.Unmap()
		if !s.trusted(addr) {
			break
		}
	}
	return addr
}

func (s *Server) fromProxy(fc *fiber.Ctx) bool {
	addr, ok := netip.AddrFromSlice(fc.Context().RemoteIP())
	return ok && s.trusted(addr.Unmap())
}

func (s *Server) trusted(a netip.Addr) bool {
	for _, p := range s.proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func urlQueryEscape(text string) string { return url.QueryEscape(text) }
