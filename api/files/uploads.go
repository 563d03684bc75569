package files

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/domain"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/files"
)

const partsDetail = "A file of up to 4 GB comes in parts, over connections that break, in the words of the IETF's draft of resumable uploads:\n\n" +
	"1. `POST /api/v1/uploads` announces its size, which is taken of what the plan allows, and gives its id.\n" +
	"2. `PATCH /api/v1/uploads/{upload}` sends a part as the body, with `Upload-Offset`: where it begins. What arrives of it is kept, also when the connection breaks. The answer, or a GET, says in " +
	"`Upload-Offset` how far the upload is; go on from there, or send the same part again, of which nothing is kept twice.\n" +
	"3. After the last byte the answer says `complete`. A GET that says that all bytes are there and it is not complete wants an empty part at the end.\n\n" +
	"A part has half a minute to arrive and at most 64 MB: begin with 1 MB, send twice as much after one that took less than five seconds, and half after one that broke. " +
	"With `Content-Digest: sha-256=:...:` (RFC 9530) a part is checked and kept whole or not at all. One sender at a time: when a second begins at the same place, the first, whose connection may be gone, keeps nothing any more. " +
	"An upload that is not complete after three days ends, and its room is given back."

// uploadRoutes declares the routes of uploads in parts. Whose an upload is, is asked with it: that of somebody else is not there.
func uploadRoutes(s *api.Server) {
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/uploads", Permission: policy.FileUpload, Tag: "Files", Summary: "Start to upload a file in parts", Detail: partsDetail, Status: http.StatusCreated},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			Body struct {
				Purpose files.Purpose `json:"purpose" enum:"general" doc:"What the file is for"`
				Name    string        `json:"name" minLength:"1" maxLength:"1000" doc:"What it is called"`
				Bytes   int64         `json:"bytes" doc:"The size of the whole file"`
				SHA256  string        `json:"sha256,omitempty" maxLength:"64" doc:"The SHA-256 of the whole file in hexadecimal, if it is known: with another nothing is stored"`
			}
		}) (*Upload, error) {
			if err := c.Permit(policy.Facts{Owner: true}); err != nil {
				return nil, err
			}
			u, err := c.Server.Files.Begin(ctx, tx, c.Actor, files.Announced{Purpose: in.Body.Purpose, Name: in.Body.Name, Size: in.Body.Bytes, SHA256: in.Body.SHA256}, c.Now)
			if err != nil {
				return nil, api.InBody(err)
			}
			c.SetHeader("Location", "/api/v1/uploads/"+u.ID.String())
			return shown(c, &u), nil
		})
	api.Query(s, api.Route{Path: "/api/v1/uploads", Permission: policy.FileUpload, Tag: "Files", Summary: "List the uploads that you have begun and not ended"},
		func(ctx context.Context, c *api.Call, _ *struct{}) (*api.List[Upload], error) {
			if err := c.Permit(policy.Facts{Owner: true}); err != nil {
				return nil, err
			}
			var list []files.Upload
			err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
				list, err = files.OpenUploads(ctx, r, c.Actor.ID)
				return err
			})
			items := make([]Upload, len(list))
			for i := range list {
				items[i] = of(c, &list[i])
			}
			return api.ListOf(items, "", err)
		})
	api.Query(s, api.Route{Path: "/api/v1/uploads/{upload}", Permission: policy.FileUpload, Tag: "Files", Summary: "Show how far an upload of yours is", Detail: "HEAD does as well: `Upload-Offset` is where the next part begins."},
		func(ctx context.Context, c *api.Call, in *UploadRef) (*Upload, error) {
			if err := c.Permit(policy.Facts{Owner: true}); err != nil {
				return nil, err
			}
			var u files.Upload
			if err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
				u, err = files.UploadOf(ctx, r, c.Actor.ID, in.Upload)
				return err
			}); err != nil {
				return nil, err
			}
			return shown(c, &u), nil
		})
	api.Direct(s, api.Route{Method: http.MethodPatch, Path: "/api/v1/uploads/{upload}", Permission: policy.FileUpload, Tag: "Files", Summary: "Add a part to an upload of yours", Detail: partsDetail,
		Body: files.PartBytes, Takes: []string{"application/partial-upload"}},
		func(ctx context.Context, c *api.Call, in *struct {
			UploadRef
			Offset int64  `header:"Upload-Offset" required:"true" minimum:"0" doc:"Where the part begins: the offset of the upload, or that of the part before to send it again"`
			Digest string `header:"Content-Digest" maxLength:"400" doc:"sha-256=:...: with the SHA-256 of the part in Base64 (RFC 9530)"`
		}) (*Upload, error) {
			return sendPart(ctx, c, in.Upload, in.Offset, in.Digest)
		})
	api.Direct(s, api.Route{Method: http.MethodDelete, Path: "/api/v1/uploads/{upload}", Permission: policy.FileUpload, Tag: "Files", Summary: "Cancel an upload of yours"},
		func(ctx context.Context, c *api.Call, in *UploadRef) (*api.Done, error) {
			if err := c.Permit(policy.Facts{Owner: true}); err != nil {
				return nil, err
			}
			var gone files.Upload
			if err := c.DB.Write(ctx, c.Actor, func(tx *tenants.Tx) (err error) {
				gone, err = files.Cancel(ctx, tx, c.Actor.ID, in.Upload)
				return err
			}); err != nil {
				return nil, err
			}
			c.Server.Files.Forget(ctx, c.Realm, gone)
			return &api.Done{Done: true}, nil
		})
}

// UploadRef names an upload in a path.
type UploadRef struct {
	Upload uuid.UUID `path:"upload" format:"uuid" doc:"The id of the upload"`
}

// Upload is a file that comes in parts, as the API tells of it.
type Upload struct {
	ID        uuid.UUID     `json:"id" doc:"Of the upload, and of the file that it becomes"`
	Purpose   files.Purpose `json:"purpose" doc:"What the file is for"`
	Name      string        `json:"name" doc:"What it is called, cleaned"`
	Bytes     int64         `json:"bytes" doc:"The size of the whole file"`
	Offset    int64         `json:"offset" doc:"How many bytes are kept: where the next part begins"`
	Complete  bool          `json:"complete" doc:"Whether it is a file now"`
	SHA256    string        `json:"sha256,omitempty" doc:"The SHA-256 of the whole in hexadecimal: as it was announced, and what it is when it is complete"`
	ExpiresAt time.Time     `json:"expires_at" doc:"When the upload ends if it is not complete, and is forgotten if it is"`
	Path      string        `json:"path,omitempty" doc:"Of a complete one: where the file is, for five minutes. A path on this host or, where files have a host of their own, a whole address"`
}

func of(c *api.Call, u *files.Upload) Upload {
	out := Upload{ID: u.ID, Purpose: u.Purpose, Name: u.Name, Bytes: u.Size, Offset: u.Received, Complete: u.State == files.Complete, SHA256: u.SHA256, ExpiresAt: u.ExpiresAt}
	if out.Complete {
		out.Path = c.Server.Files.Link(c.DB, u.Purpose, u.ID, c.Now)
	}
	return out
}

// shown tells of an upload in the answer's head too.
func shown(c *api.Call, u *files.Upload) *Upload {
	at(c, u)
	out := of(c, u)
	return &out
}

// at says in the answer's head how far an upload is (draft-ietf-httpbis-resumable-upload).
func at(c *api.Call, u *files.Upload) {
	if u.ID == uuid.Nil {
		return
	}
	c.SetHeader("Upload-Offset", strconv.FormatInt(u.Received, 10))
	c.SetHeader("Upload-Length", strconv.FormatInt(u.Size, 10))
	complete := "?0"
	if u.State == files.Complete {
		complete = "?1"
	}
	c.SetHeader("Upload-Complete", complete)
	c.SetHeader("Upload-Limit", fmt.Sprintf("max-append-size=%d", files.PartBytes))
	c.SetHeader("Cache-Control", "no-store")
}

// sendPart keeps a part as far as it arrives.
func sendPart(ctx context.Context, c *api.Call, id uuid.UUID, offset int64, digest string) (*Upload, error) {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return nil, err
	}
	sum, err := digestOf(digest)
	if err != nil {
		return nil, err
	}
	length := c.UploadLength()
	body, err := c.Upload()
	if err != nil {
		return nil, err
	}
	u, err := c.Server.Files.Append(ctx, c.DB, c.Actor, id, files.Part{Offset: offset, Length: length, SHA256: sum, Body: body}, c.Now)
	if err != nil {
		at(c, &u)
		return nil, err
	}
	return shown(c, &u), nil
}

// digestOf is the SHA-256 of a header Content-Digest; nil: there is no header.
func digestOf(header string) ([]byte, error) {
	if header == "" {
		return nil, nil
	}
	for one := range strings.SplitSeq(header, ",") {
		if text, ok := strings.CutPrefix(strings.TrimSpace(one), "sha-256=:"); ok {
			if sum, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSuffix(text, ":")); err == nil && len(sum) == sha256.Size && strings.HasSuffix(text, ":") {
				return sum, nil
			}
		}
	}
	return nil, domain.InvalidField("header.Content-Digest", "files.must_be_a_digest")
}
