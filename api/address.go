package api

import (
	"net/netip"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// clientAddress is who sent the request. X-Forwarded-For is read from its end, which the nearest proxy wrote, and only as
// long as the addresses are our own proxies': what a client writes in front of it is never believed.
func (s *Server) clientAddress(fc *fiber.Ctx) string {
	addr, ok := netip.AddrFromSlice(fc.Context().RemoteIP())
	if !ok {
		return ""
	}
	addr = addr.Unmap()
	if !s.trusted(addr) {
		return addr.String()
	}
	hops := strings.Split(fc.Get(fiber.HeaderXForwardedFor), ",")
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
	return addr.String()
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

// network is what one visitor has: an IPv4 address, or the first 64 bits of an IPv6 one.
func network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil || !a.Is6() {
		return address
	}
	p, err := a.Prefix(64)
	if err != nil {
		return address
	}
	return p.String()
}

func urlQueryEscape(text string) string { return url.QueryEscape(text) }
