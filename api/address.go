package api

import (
	"bytes"
	"net/netip"
	"net/url"

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
	lines := fc.Request().Header.PeekAll(fiber.HeaderXForwardedFor)
	for i := len(lines) - 1; i >= 0; i-- {
		for list, more := lines[i], true; more; {
			comma := bytes.LastIndexByte(list, ',')
			hop, err := netip.ParseAddr(string(bytes.TrimSpace(list[comma+1:])))
			if err != nil {
				return addr
			}
			if addr = hop.Unmap(); !s.trusted(addr) {
				return addr
			}
			if more = comma >= 0; more {
				list = list[:comma]
			}
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
