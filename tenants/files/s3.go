package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// bucketS3 is a store in a bucket of S3, or of what speaks as it does. Encryption and storage class are the bucket's own.
type bucketS3 struct {
	client *s3.Client
	name   *string
}

// openS3 takes s3://NAME?region=REGION, and with &endpoint=URL another server than Amazon's. Credentials are where AWS programs find them.
func openS3(ctx context.Context, address string) (*bucketS3, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	query := u.Query()
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(query.Get("region")))
	if err != nil {
		return nil, err
	}
	if cfg.Region == "" {
		return nil, errors.New("no region is named")
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) {
		// What is sent is hashed for its signature, which S3 checks. A checksum of its own would be asked for again with every piece.
		o.RequestChecksumCalculation, o.ResponseChecksumValidation = aws.RequestChecksumCalculationWhenRequired, aws.ResponseChecksumValidationWhenRequired
		if at := query.Get("endpoint"); at != "" {
			o.BaseEndpoint, o.UsePathStyle = &at, true
		}
	})
	return &bucketS3{client, aws.String(u.Host)}, nil
}

func (b *bucketS3) close() error { return nil }

func (b *bucketS3) put(ctx context.Context, key string, h head, data []byte) error {
	_, err := b.client.PutObject(ctx, &s3.PutObjectInput{Bucket: b.name, Key: &key, ContentType: &h.contentType, ContentDisposition: h.offered(), Body: bytes.NewReader(data)})
	return err
}

// offered is nil where nothing is said.
func (h *head) offered() *string {
	if h.disposition == "" {
		return nil
	}
	return &h.disposition
}

func (b *bucketS3) get(ctx context.Context, key string, offset, n int64) (io.ReadCloser, error) {
	if n == 0 {
		return io.NopCloser(bytes.NewReader(nil)), nil
	}
	asked := fmt.Sprintf("bytes=%d-", offset)
	if n > 0 {
		asked += fmt.Sprint(offset + n - 1)
	}
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: b.name, Key: &key, Range: &asked})
	if err != nil {
		return nil, noneOfS3(err)
	}
	return out.Body, nil
}

func (b *bucketS3) size(ctx context.Context, key string) (int64, error) {
	out, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: b.name, Key: &key})
	if err != nil {
		return 0, noneOfS3(err)
	}
	return aws.ToInt64(out.ContentLength), nil
}

func (b *bucketS3) remove(ctx context.Context, key string) error {
	if _, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: b.name, Key: &key}); !errors.Is(noneOfS3(err), errNone) {
		return err
	}
	return nil
}

// noneOfS3 makes errNone of the answer that something is not there: an object, or an upload in pieces. That a bucket is not there is another thing.
func noneOfS3(err error) error {
	var answer *awshttp.ResponseError
	var bucket *types.NoSuchBucket
	if errors.As(err, &answer) && answer.HTTPStatusCode() == http.StatusNotFound && !errors.As(err, &bucket) {
		return errNone
	}
	return err
}

func (b *bucketS3) list(ctx context.Context, prefix, after string) (list []object, more bool, err error) {
	in := &s3.ListObjectsV2Input{Bucket: b.name, Prefix: &prefix, MaxKeys: aws.Int32(listStep)}
	if after != "" {
		in.StartAfter = &after
	}
	out, err := b.client.ListObjectsV2(ctx, in)
	if err != nil {
		return nil, false, err
	}
	for i := range out.Contents {
		o := &out.Contents[i]
		list = append(list, object{aws.ToString(o.Key), aws.ToTime(o.LastModified)})
	}
	return list, aws.ToBool(out.IsTruncated), nil
}

func (b *bucketS3) begin(ctx context.Context, key string, h head) (string, error) {
	out, err := b.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: b.name, Key: &key, ContentType: &h.contentType, ContentDisposition: h.offered()})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.UploadId), nil
}

func (b *bucketS3) add(ctx context.Context, key, handle string, number int, data []byte) (string, error) {
	out, err := b.client.UploadPart(ctx, &s3.UploadPartInput{Bucket: b.name, Key: &key, UploadId: &handle, PartNumber: aws.Int32(int32(number)), Body: bytes.NewReader(data)})
	if err != nil {
		return "", noneOfS3(err)
	}
	return aws.ToString(out.ETag), nil
}

func (b *bucketS3) join(ctx context.Context, key, handle string, pieces []piece) error {
	parts := make([]types.CompletedPart, len(pieces))
	for i, p := range pieces {
		parts[i] = types.CompletedPart{PartNumber: aws.Int32(int32(p.Number)), ETag: aws.String(p.Tag)}
	}
	_, err := b.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: b.name, Key: &key, UploadId: &handle, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
	return noneOfS3(err)
}

func (b *bucketS3) abandon(ctx context.Context, key, handle string, _ []piece) error {
	_, err := b.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: b.name, Key: &key, UploadId: &handle})
	if !errors.Is(noneOfS3(err), errNone) {
		return err
	}
	return nil
}
