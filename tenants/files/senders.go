package files

import (
	"context"
	"sync"
	"time"

	"lignum/domain"
	"lignum/tenants"
)

// MostSenders is how many send files at the same moment to one process, unless its memory is small (Bucket.Limit). Each holds a piece.
const MostSenders = 12

// SenderBytes is what somebody who sends a file takes of the process' memory: a piece, and what sends it on.
const SenderBytes = 2 * pieceSize

// placeTime is how long one waits for a place, of the half minute in which a body has to arrive.
const placeTime = 5 * time.Second

// senders are those who send files to this process now. A realm has at most half of the places, if there are two or more.
type senders struct {
	places chan struct{}
	mu     sync.Mutex
	of     map[string]chan struct{} // by the realms' logins
	spare  [][]byte                 // pieces that nobody holds; the last is taken first, so that there are no more than are used
}

func newSenders(most int) *senders {
	return &senders{places: make(chan struct{}, most), of: map[string]chan struct{}{}}
}

// Limit lets so many, 1 or more, send files at the same moment, as long as those are fewer. It is for the beginning, when nobody sends yet.
func (b *Bucket) Limit(most int) {
	if b != nil {
		b.senders = newSenders(min(most, MostSenders))
	}
}

// enter waits for a place and gives the piece that goes with it, or domain.Unavailable: nothing was read of what is sent.
func (s *senders) enter(ctx context.Context, realm tenants.Realm) ([]byte, error) {
	s.mu.Lock()
	own := s.of[realm.Login]
	if own == nil {
		own = make(chan struct{}, max(1, cap(s.places)/2))
		s.of[realm.Login] = own
	}
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, placeTime)
	defer cancel()
	if !take(ctx, own) {
		return nil, manySend()
	}
	if !take(ctx, s.places) {
		<-own
		return nil, manySend()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.spare); n > 0 {
		buffer := s.spare[n-1]
		s.spare = s.spare[:n-1]
		return buffer, nil
	}
	return make([]byte, pieceSize), nil
}

func take(ctx context.Context, places chan<- struct{}) bool {
	select {
	case places <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func manySend() error {
	e := domain.Refuse(domain.Unavailable, "files.many_send_at_once")
	e.RetryAfter = 2 * time.Second
	return e
}

func (s *senders) leave(realm tenants.Realm, buffer []byte) {
	s.mu.Lock()
	own := s.of[realm.Login]
	s.spare = append(s.spare, buffer)
	s.mu.Unlock()
	<-own
	<-s.places
}
