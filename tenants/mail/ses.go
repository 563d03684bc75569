package mail

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
)

// sesPassword is the password of Amazon SES's SMTP interface in a region, such as eu-west-1, which AWS has everybody derive from the secret access key of an IAM user.
// The fixed day, service and action are AWS's.
func sesPassword(secret, region string) string {
	key := []byte("AWS4" + secret)
	for _, text := range []string{"11111111", region, "ses", "aws4_request", "SendRawEmail"} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(text))
		key = mac.Sum(nil)
	}
	return base64.StdEncoding.EncodeToString(append([]byte{4}, key...)) // 4: the version of this derivation
}
