// Command autoscale is the program of the autoscaler's three Lambda functions; LIGNUM_AUTOSCALE says which of them it is.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"
	_ "time/tzdata" // the runtime has no time zones

	"github.com/aws/aws-lambda-go/lambda"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"lignum/infra/autoscale"
	"lignum/infra/rdsiam"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	handler, err := handler(context.Background(), log)
	if err != nil {
		log.Error(err.Error())
		os.Exit(1)
	}
	lambda.Start(handler)
}

// handler is the function that the environment asks for.
func handler(ctx context.Context, log *slog.Logger) (any, error) {
	c, err := load()
	if err != nil {
		return nil, err
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("AWS configuration: %w", err)
	}
	signer, err := rdsiam.New(ctx)
	if err != nil {
		return nil, err
	}
	forecast, err := autoscale.NewForecast(c.Database, c.DatabaseName, c.DatabaseUser, func(ctx context.Context) (string, error) {
		return signer.Password(ctx, c.Database, c.DatabaseUser)
	})
	if err != nil {
		return nil, err
	}
	processes, err := autoscale.NewProcesses(c.Writer, c.DatabaseName, c.DatabaseUser, func(ctx context.Context) (string, error) {
		return signer.Password(ctx, c.Writer, c.DatabaseUser)
	})
	if err != nil {
		return nil, err
	}
	a := &autoscale.Autoscaler{Cluster: autoscale.NewCluster(cfg, c.Cluster, c.Proxy), Store: autoscale.NewStore(cfg, c.Table),
		Forecast: forecast, Tell: processes.Tell, Settings: c.settings, DryRun: c.DryRun, Now: time.Now, Log: log}
	return map[string]any{"watch": a.HandleWatch, "night": a.HandleNight, "morning": a.HandleMorning}[c.Function], nil
}
