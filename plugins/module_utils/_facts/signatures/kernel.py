# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel says: disks, memory, processes, the network, heat.

Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.
"""

from ansible_collections.mailops.triage.plugins.module_utils._facts.signatures.shape import KERNEL, sign

TABLE = (
    sign(
        "kernel_remount_ro",
        "kernel",
        "kernel",
        "emounting filesystem read-only",
        KERNEL + r"\S+ \((?P<key>[^)]*)\): Remounting filesystem read-only",
    ),
    sign(
        "fs_error",
        "kernel",
        "kernel",
        ("-fs error (device", "BTRFS ", "orruption detected", "has been shut down"),
        KERNEL + r"(?:EXT[234]-fs error \(device (?P<key>[^)]*)\)"
        r"|XFS \((?P<key_xfs>[^)]*)\): .*(?:orruption detected|has been shut down)"
        r"|BTRFS (?:error|critical) \(device (?P<key_btrfs>[^)]*)\))",
    ),
    sign(
        "io_error",
        "kernel",
        "kernel",
        ("error, dev ", "Buffer I/O error"),
        KERNEL + r"(?:blk_update_request: )?(?:(?:I/O|critical (?:medium"
        r"|target)) error, dev (?P<key>[^\s,]+), (?:logical block|sector)"
        r"|Buffer I/O error on dev(?:ice)? (?P<key_buffer>[^\s,]+))",
    ),
    sign(
        "hung_task",
        "kernel",
        "kernel",
        "blocked for more than",
        KERNEL + r"INFO: task (?P<key>[^\s:]+):\d+ blocked for more than \d+ seconds",
    ),
    sign(
        "oom_kill",
        "kernel",
        "kernel",
        "ut of memory: Kill",
        KERNEL + r"(?:Memory cgroup out|Out) of memory: Kill(?:ed)? process \d+ \((?P<key>[^)]*)\)",
    ),
    sign("conntrack_full", "kernel", "kernel", "table full", KERNEL + r"(?:nf_conntrack: )+table full"),
    sign(
        "segfault",
        "kernel",
        "kernel",
        ("segfault at", "general protection", "trap invalid opcode"),
        KERNEL + r"(?:traps: )?(?P<key>\S+)\[\d+\]:? (?:segfault at|general protection|trap invalid opcode)",
    ),
    sign(
        "hardware_error",
        "kernel",
        "kernel",
        ("[Hardware Error]", "Machine check"),
        KERNEL + r"(?:mce: )?(?:\{\d+\})?(?:\[Hardware Error\]|Machine check)",
    ),
    # Disks
    sign(
        "ata_error",
        "kernel",
        "kernel",
        (
            ": exception Emask",
            ": failed command",
            ": hard resetting link",
            "limiting SATA link",
            "COMRESET failed",
            ": SError: ",
        ),
        KERNEL + r"(?P<key>ata\d+(?:\.\d+)?): (?:exception Emask|failed command|hard resetting link"
        r"|limiting SATA link speed|COMRESET failed|SError: )",
    ),
    sign(
        "nvme_error",
        "kernel",
        "kernel",
        "nvme nvme",
        KERNEL + r"nvme (?P<key>nvme\d+): (?:I/O (?:tag )?\d+.* timeout|controller is down"
        r"|Removing after probe failure|Device not ready|Disabling device after reset failure"
        r"|Abort status)",
    ),
    sign(
        "scsi_error",
        "kernel",
        "kernel",
        ("Medium Error", "Hardware Error", "Unrecovered read error", "read error - "),
        KERNEL + r"s[dr] [\d:]+ \[(?P<key>\w+)\] .*(?:Sense Key : (?:Medium|Hardware) Error"
        r"|Unrecovered read error)",
    ),
    sign(
        "md_failure",
        "kernel",
        "kernel",
        ("Disk failure on", "Operation continuing on"),
        KERNEL + r"md/raid[^:]*:(?P<key>\w+): (?:Disk failure on|Operation continuing on)",
    ),
    sign(
        "nfs_not_responding",
        "kernel",
        "kernel",
        "not responding",
        KERNEL + r"(?:nfs|NFS|lockd): server (?P<key>\S+) not responding",
        good="nfs_ok",
    ),
    # Memory and processors
    sign("edac_ce", "kernel", "kernel", " CE ", KERNEL + r"EDAC \S+ \d+ CE (?:.* on (?P<key>[^\s(]+))?"),
    sign("edac_ue", "kernel", "kernel", " UE ", KERNEL + r"EDAC \S+ \d+ UE (?:.* on (?P<key>[^\s(]+))?"),
    sign(
        "memory_failure", "kernel", "kernel", "Memory failure: 0x", KERNEL + r"Memory failure: (?P<key>0x[0-9a-f]+): "
    ),
    sign(
        "thermal_throttled",
        "kernel",
        "kernel",
        "temperature above threshold",
        KERNEL + r"(?:mce: )?(?P<key>CPU\d+): (?:Core"
        r"|Package) temperature above threshold, cpu clock (?:is )?throttled",
        good="cool_again",
    ),
    sign(
        "lockup",
        "kernel",
        "kernel",
        ("soft lockup", "hard LOCKUP", "self-detected stall", "detected stalls on"),
        KERNEL + r"(?:watchdog: )?(?:BUG: soft lockup - (?P<key>CPU#\d+) stuck"
        r"|(?:NMI watchdog: )?Watchdog detected hard LOCKUP on cpu"
        r"|(?:rcu: )?(?:INFO: )?\w+ (?:self-detected stall|detected (?:expedited )?stalls) on)",
    ),
    sign(
        "kernel_oops",
        "kernel",
        "kernel",
        ("BUG: ", "Oops: ", "Kernel panic"),
        KERNEL + r"(?:BUG: (?:unable to handle|kernel |Bad )|Oops: |Kernel panic - not syncing)",
    ),
    sign(
        "hw_watchdog",
        "kernel",
        "kernel",
        ("watchdog did not stop", "watchdog timeout", "Initiating system reboot"),
        KERNEL + r"(?:watchdog: )?(?P<key>\S+): (?:watchdog did not stop|.*watchdog timeout"
        r"|Initiating system reboot)",
    ),
    # The network
    sign(
        "nic_down",
        "kernel",
        "kernel",
        ("ink is Down", "ink is down", "Lost carrier", "ink down"),
        KERNEL + r"(?:\S+ [0-9a-f:.]+:? )?(?P<key>[\w.-]+)(?: \([^)]*\))?: (?:\w+: )?(?:[\w.-]+ )?(?:NIC )?"
        r"(?:[Ll]ink is [Dd]own|Lost carrier|[Ll]ink down)",
        good="nic_up",
    ),
    sign(
        "nic_hang",
        "kernel",
        "kernel",
        ("NETDEV WATCHDOG", "Unit Hang"),
        KERNEL + r"(?:NETDEV WATCHDOG: (?:CPU: \d+: )?(?P<key>\S+) "
        r"|(?:\S+ [0-9a-f:.]+ )?(?:(?P<key_unit>[\w.-]+): )?Detected (?:Hardware|Tx) Unit Hang)",
    ),
    sign(
        "pcie_error",
        "kernel",
        "kernel",
        ("PCIe Bus Error", "AER: "),
        KERNEL + r"\S+ (?P<key>[0-9a-f:.]+): (?:AER: |PCIe Bus Error: )",
    ),
    sign(
        "syn_flood",
        "kernel",
        "kernel",
        "ossible SYN flooding on port",
        KERNEL + r"TCP: (?:request_sock_\w+: )?[Pp]ossible SYN flooding on port (?P<key>[^\s]*\d)\.",
    ),
)
