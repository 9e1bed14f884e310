#include <algorithm>

#include "host/diagnosis.h"

namespace postern::host {
namespace {

[[nodiscard]] std::string words_for(const Process& process) {
  return process.name + " (process " + std::to_string(process.pid) + ")";
}

[[nodiscard]] std::string who_holds(const PortHolder& holder) {
  return std::string("ss -nlp ") + (holder.protocol == Protocol::tcp ? "-t" : "-u") +
         " 'sport = :" + std::to_string(holder.port) + "'";
}

void examine_privileges(const Patient& patient, std::vector<Finding>& findings) {
  const auto& facts = patient.facts;
  if (!facts.ruleset) {
    const auto why = facts.has_net_admin ? facts.ruleset_error : "CAP_NET_ADMIN is missing here";
    findings.push_back({Severity::error,
                        "firewall-unreadable",
                        "the firewall's rules could not be read: " + why,
                        "nothing can be said about the firewall",
                        {},
                        "run this as root"});
  }
  if (facts.posternd_has_net_admin == false) {
    findings.push_back({Severity::error,
                        "posternd-no-privilege",
                        "posternd runs without CAP_NET_ADMIN",
                        "it can change nothing in the firewall, so every request fails",
                        {},
                        "start it as root, or by a unit with AmbientCapabilities=CAP_NET_ADMIN"});
  }
}

void examine_posternd(const Patient& patient, std::vector<Finding>& findings) {
  const auto& facts = patient.facts;
  if (!facts.posternd_runs) {
    findings.push_back({Severity::warning,
                        "posternd-not-running",
                        "posternd does not run here",
                        "nobody answers requests, and running leases end without renewal",
                        {"systemctl enable --now posternd"},
                        ""});
  } else if (patient.settings.backend == "nftables" && facts.has_own_table == false) {
    findings.push_back({Severity::error,
                        "own-table-absent",
                        "posternd runs, but its table inet postern is not there",
                        "no mapped port is open; somebody has removed the table, or posternd was "
                        "refused it",
                        {"systemctl restart posternd"},
                        "its log says what went wrong; if posternd uses another backend, tell it "
                        "with --config"});
  }
  for (const auto& rival : facts.rivals) {
    findings.push_back({Severity::error,
                        "rival-running",
                        "another port mapping daemon runs: " + words_for(rival),
                        "both answer the same clients, each with ports of its own",
                        {"systemctl disable --now " + rival.name},
                        ""});
  }
}

void examine_ports(const Patient& patient, std::vector<Finding>& findings) {
  for (const auto& holder : patient.facts.holders) {
    const bool is_posternd =
        holder.process ? holder.process->name == kPosterndName : patient.facts.posternd_runs;
    if (is_posternd) continue;
    // NAT-PMP and PCP need this one; the others are of UPnP.
    const bool is_needed = holder.protocol == Protocol::udp && holder.port == 5351;
    const std::string port = (holder.protocol == Protocol::udp ? "UDP port " : "TCP port ") +
                             std::to_string(holder.port);
    Finding finding{is_needed ? Severity::error : Severity::warning, "port-taken", "", "", {}, ""};
    finding.what = port + " is taken by " +
                   (holder.process ? words_for(*holder.process) : "a process that hides from us");
    finding.why = is_needed ? "posternd answers NAT-PMP and PCP requests on it"
                            : "UPnP clients are answered on it";
    if (!holder.process) {
      finding.advice = "as root, this names it: " + who_holds(holder);
    } else if (is_needed && holder.process->pid != 1) {
      finding.mend.push_back("kill " + std::to_string(holder.process->pid));
      finding.advice = "better: end the service that started it";
    } else if (is_needed) {
      finding.advice = "systemd holds it for a socket unit; systemctl list-sockets names that";
    } else {
      finding.advice = "nothing needs to be done where UPnP is not wanted";
    }
    findings.push_back(std::move(finding));
  }
}

}  // namespace

void examine_processes(const Patient& patient, std::vector<Finding>& findings) {
  examine_privileges(patient, findings);
  examine_posternd(patient, findings);
  examine_ports(patient, findings);
}

}  // namespace postern::host
