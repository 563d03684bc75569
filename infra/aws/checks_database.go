package aws

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"lignum/infra/autoscale"
)

const cluster, instance, proxy = "AWS::RDS::DBCluster", "AWS::RDS::DBInstance", "AWS::RDS::DBProxy"

func (c *checker) databasePublic() {
	for _, r := range c.resources(cluster, instance) {
		if v := r.prop("PubliclyAccessible"); v != nil || r.kind == instance {
			if !r.t.always(v, "false") {
				c.find(r, v, describe(v, []string{"PubliclyAccessible"}), "say PubliclyAccessible: false; the database is reached through the proxy")
			}
		}
	}
	for _, r := range c.resources("AWS::RDS::DBSubnetGroup") {
		if v := r.prop("SubnetIds"); strings.Contains(text(v), "Public") {
			c.find(r, v, "the database stands in public subnets", "use DataSubnetIds")
		}
	}
}

func (c *checker) databaseProtected() {
	for _, r := range c.resources(cluster) {
		c.need(r, "say DeletionProtection: true", []string{"true"}, "DeletionProtection")
	}
}

func (c *checker) databaseBackup() {
	for _, r := range c.resources(cluster) {
		v := r.prop("BackupRetentionPeriod")
		for _, w := range r.t.worlds() {
			if days, ok := r.t.number(v, w); !ok || days < 7 {
				c.find(r, v, "backups may be kept for less than 7 days", "set BackupRetentionPeriod to 7 or more")
			}
		}
	}
}

func (c *checker) databaseIAM() {
	for _, r := range c.resources(cluster) {
		c.need(r, "say EnableIAMDatabaseAuthentication: true; the proxy signs in by IAM", []string{"true"}, "EnableIAMDatabaseAuthentication")
	}
}

func (c *checker) proxyTLS() {
	for _, r := range c.resources(proxy) {
		c.need(r, "say RequireTLS: true", []string{"true"}, "RequireTLS")
	}
	for _, r := range c.resources("AWS::RDS::DBClusterParameterGroup") {
		if !strings.Contains(r.prop("Family").Scalar(), "postgresql") {
			continue
		}
		c.need(r, "say rds.force_ssl: 1", []string{"1"}, "Parameters", "rds.force_ssl")
	}
}

// classes are those that an instance may have, by the size of the installation; an empty one is not known.
func classes(r resource) map[string]string {
	all := map[string]string{}
	for _, w := range r.t.worlds() {
		all[w["Size"]], _ = r.t.value(r.prop("DBInstanceClass"), w)
	}
	return all
}

const burstablePrefix = "db.t" // of instance classes that live on CPU credits

// burstable reports whether an instance may be of a class that lives on CPU credits.
func burstable(r resource) bool {
	for _, class := range classes(r) {
		if strings.HasPrefix(class, burstablePrefix) {
			return true
		}
	}
	return false
}

// ladderStart wants the instances of each size to be of a class of the autoscaler's ladder, the day's floor: of any other, its
// first look would change them, by a failover.
func (c *checker) ladderStart() {
	for _, r := range c.resources(instance) {
		for size, class := range classes(r) {
			s, err := autoscale.DefaultSettings(size)
			if err != nil {
				c.find(r, r.prop("DBInstanceClass"), "no ladder is known: "+err.Error(), "use a size that the autoscaler knows")
			} else if floor := s.Rungs[s.DayFloor].Class; class != floor {
				c.find(r, r.prop("DBInstanceClass"), "the ladder of "+size+" does not begin with "+class, "take "+floor+", or change autoscale.DefaultSettings")
			}
		}
	}
}

// connectionsMemory wants the connection limit to be what fits into a burstable instance, where one may be: 2000 sessions do not
// fit into 4 GiB. Aurora's own limit for a db.t4g.medium is 405.
func (c *checker) connectionsMemory() {
	const fit = 405
	for _, r := range c.resources(instance) {
		for size, class := range classes(r) {
			if !strings.HasPrefix(class, burstablePrefix) {
				continue
			}
			for _, group := range c.resources("AWS::RDS::DBClusterParameterGroup") {
				v := group.prop("Parameters", "max_connections")
				for _, w := range group.t.worlds() {
					if n, ok := group.t.number(v, w); ok && w["Size"] == size && n > fit {
						c.find(group, v, "more sessions may be open than fit into the memory of "+class, "say 405 at most for "+size)
					}
				}
			}
		}
	}
}

// creditsWatched wants somebody to hear when burstable instances are charged for credits: a class too small is a bill, not a failure.
func (c *checker) creditsWatched() {
	told := slices.ContainsFunc(c.alarms(), func(r resource) bool { return r.prop("MetricName").Scalar() == "CPUSurplusCreditsCharged" })
	for _, r := range c.resources(instance) {
		if !told && burstable(r) {
			c.find(r, r.prop("DBInstanceClass"), "nobody hears that CPU credits are charged for", "make an alarm of CPUSurplusCreditsCharged")
		}
	}
}

// alteredLogins wants somebody to hear when a login of the database has changed itself, which it may, and which only a
// migration puts back.
func (c *checker) alteredLogins() {
	c.logged("lignum_altered_logins", AlteredLoginWords, "logins that are altered")
}

// jobsGivenUp wants somebody to hear when a job failed as often as it may: nobody does it any more, until a person starts it again.
func (c *checker) jobsGivenUp() {
	c.logged("lignum_jobs_given_up", JobGivenUpWords, "jobs that are given up")
}

// logged wants what the program says in its log to be counted by a filter, and told by an alarm.
func (c *checker) logged(metric, words, of string) {
	counted := slices.ContainsFunc(c.resources("AWS::Logs::MetricFilter"), func(r resource) bool {
		return r.prop("MetricTransformations", "0", "MetricName").Scalar() == metric && strings.Contains(r.prop("FilterPattern").Scalar(), words)
	})
	told := slices.ContainsFunc(c.alarms(), func(r resource) bool { return r.prop("MetricName").Scalar() == metric })
	for _, r := range c.resources(cluster) {
		if !counted {
			c.find(r, nil, "nobody counts "+of, "make a filter of the program's log that gives "+metric)
		}
		if !told {
			c.find(r, nil, "nobody hears of "+of, "make an alarm of "+metric)
		}
	}
}

// AlteredLoginWords begin the line that a serving process logs of each login that is not as it was made.
const AlteredLoginWords = "a database role is not as provisioning makes it"

// JobGivenUpWords begin the line that a serving process logs of a job that failed as often as it may.
const JobGivenUpWords = "a job was given up"

// proxyIAM wants clients to sign in to the proxy by IAM: for all of them at once, or for each secret.
func (c *checker) proxyIAM() {
	for _, r := range c.resources(proxy) {
		if r.t.always(r.prop("DefaultAuthScheme"), "IAM_AUTH") {
			continue
		}
		logins := r.prop("Auth").entries()
		if len(logins) == 0 {
			c.find(r, r.prop("DefaultAuthScheme"), "the proxy demands no IAM", "say DefaultAuthScheme: IAM_AUTH")
		}
		for _, login := range logins {
			if !r.t.always(login.Get("IAMAuth"), "REQUIRED") {
				c.find(r, login, "a login of the proxy does without IAM", "say IAMAuth: REQUIRED, or DefaultAuthScheme: IAM_AUTH for all")
			}
		}
	}
}

// proxyConnections wants room for those who connect directly beside what the proxy opens, idle connections that make way for those
// of other tenants, and the program to know how many the proxy opens.
func (c *checker) proxyConnections() {
	for _, group := range c.resources("AWS::RDS::DBProxyTargetGroup") {
		pool := group.prop("ConnectionPoolConfigurationInfo")
		for _, w := range group.t.worlds() {
			most, ok := group.t.number(pool.Get("MaxConnectionsPercent"), w)
			if !ok || most > 95 {
				c.find(group, pool, "the proxy may take every connection", "set MaxConnectionsPercent to 95 at most: migrations and provisioning connect directly")
				continue
			}
			if idle, ok := group.t.number(pool.Get("MaxIdleConnectionsPercent"), w); !ok || idle > most/2 {
				c.find(group, pool, "idle connections of tenants may take most of the proxy's", "set MaxIdleConnectionsPercent to half of MaxConnectionsPercent at most")
			}
			for _, parameters := range c.resources("AWS::RDS::DBClusterParameterGroup") {
				all, ok := parameters.t.number(parameters.prop("Parameters", "max_connections"), w)
				if !ok {
					c.find(parameters, nil, "max_connections is what the capacity was at the last restart", "say max_connections")
					continue
				}
				c.told("LIGNUM_POOLER_CONNECTIONS", all*most/100, w, "a part of data.yaml's max_connections, MaxConnectionsPercent of it")
			}
		}
	}
}

// databaseCores wants the machines to begin with the processors that the database begins with: two of a burstable class, or a
// quarter of the least capacity of Serverless.
func (c *checker) databaseCores() {
	for _, r := range c.resources(cluster) {
		for _, w := range r.t.worlds() {
			if slices.ContainsFunc(c.resources(instance), func(one resource) bool { return strings.HasPrefix(classes(one)[w["Size"]], burstablePrefix) }) {
				c.told("LIGNUM_DATABASE_CORES", 2, w, "two, as many as data.yaml's class has")
				continue
			}
			least, ok := r.t.number(r.prop("ServerlessV2ScalingConfiguration", "MinCapacity"), w)
			most, _ := r.t.number(r.prop("ServerlessV2ScalingConfiguration", "MaxCapacity"), w)
			if ok && least <= most { // of another range min-max tells
				c.told("LIGNUM_DATABASE_CORES", least/4, w, "a quarter of data.yaml's MinCapacity")
			}
		}
	}
}

// told wants the machines that serve to be told a number in the environment of the program: itself, or by a name of the script's !Sub.
func (c *checker) told(variable string, want float64, w world, meaning string) {
	line := regexp.MustCompile(`(?m)^` + variable + `=(?:\$\{(\w+)\}|([0-9.]+))$`)
	for _, r := range c.resources("AWS::EC2::LaunchTemplate") {
		user := r.prop("LaunchTemplateData", "UserData")
		var serves bool
		var said string
		names := map[string]*Value{}
		user.walk(func(v *Value) {
			serves = serves || strings.Contains(v.Scalar(), "LIGNUM_PROXY=")
			if found := line.FindStringSubmatch(v.Scalar()); found != nil {
				said = found[1] + found[2]
			}
			if v.Kind == Map {
				for i, name := range v.Keys {
					names[name] = v.Items[i]
				}
			}
		})
		n, ok := r.t.number(names[said], w)
		if names[said] == nil {
			var err error
			n, err = strconv.ParseFloat(said, 64)
			ok = err == nil
		}
		if !ok {
			said = "nothing of "
		} else {
			said = strconv.FormatFloat(n, 'g', -1, 64) + " as "
		}
		if serves && (!ok || n != want) {
			c.find(r, user, fmt.Sprintf("a machine of the size %s is told %s%s", w["Size"], said, variable), fmt.Sprintf("say %g: %s", want, meaning))
		}
	}
}
