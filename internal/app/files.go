package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"onegrid/internal/kit/blob"
)

// The areas of the file store.
const (
	caseFiles       = "cases"      // photos and papers of cases
	quarantineFiles = "quarantine" // photos of strangers until somebody looked at them
)

// OpenFiles opens the store of photos and papers that the settings name: a bucket,
// or the folder files in the data folder. Codes: config.bad and those of blob.
func OpenFiles(ctx context.Context, c Config, o blob.Options) (*blob.Store, error) {
	o.From = []string{quarantineFiles}
	folder := filepath.Join(c.Dir, "files")
	if c.S3Endpoint == "" {
		return blob.Open(folder, o)
	}
	b, err := c.bucket()
	if err != nil {
		return nil, err
	}
	b.Temp = filepath.Join(folder, "tmp")
	return blob.OpenBucket(ctx, b, o)
}

// bucket checks the settings of the S3 service. None of its errors holds the
// secret.
func (c Config) bucket() (blob.BucketOptions, error) {
	bad := func(name, value, why string) (blob.BucketOptions, error) {
		return blob.BucketOptions{}, ErrConfig.With("name", name, "value", value, "origin", c.origins[name]).Because(fmt.Errorf("%s", why))
	}
	secret := c.S3Secret
	switch {
	case strings.Contains(c.S3Endpoint, "/"):
		return bad("s3-endpoint", c.S3Endpoint, "host:port without https:// and path; s3-tls says whether the line is encrypted")
	case c.S3Bucket == "":
		return bad("s3-bucket", "", "needed with s3-endpoint")
	case c.S3Key == "":
		return bad("s3-key", "", "needed with s3-endpoint")
	case secret != "" && c.S3SecretFile != "":
		return bad("s3-secret-file", c.S3SecretFile, "s3-secret is set too; one of the two is enough")
	case c.S3SecretFile != "":
		raw, err := os.ReadFile(c.S3SecretFile)
		if err != nil {
			return bad("s3-secret-file", c.S3SecretFile, err.Error())
		}
		if secret = strings.TrimSpace(string(raw)); secret == "" {
			return bad("s3-secret-file", c.S3SecretFile, "the file is empty")
		}
	case secret == "":
		return bad("s3-secret", "", "needed with s3-endpoint, or s3-secret-file")
	}
	return blob.BucketOptions{
		Endpoint: c.S3Endpoint, Bucket: c.S3Bucket, Prefix: c.S3Prefix, Region: c.S3Region, Key: c.S3Key, Secret: secret,
		TLS: c.S3TLS == "on", CA: c.S3CA, PathStyle: c.S3PathStyle == "on", Timeout: c.S3Timeout,
	}, nil
}
