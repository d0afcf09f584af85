#!/bin/sh
# Copyright (c) 2026 the mailops.triage authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs once, by chroot, inside a new base. LAB_ACCOUNTS ("user:password ..."), LAB_DOMAIN, LAB_LOGIN come from base.py.
set -eu

# --- people: shell users with a Maildir, and the unprivileged user that logs in over SSH
useradd --create-home --shell /bin/bash --uid 1100 "$LAB_LOGIN"
usermod --password '*' "$LAB_LOGIN"
install -d -o "$LAB_LOGIN" -g "$LAB_LOGIN" -m 0700 "/home/$LAB_LOGIN/.ssh"
: > /etc/dovecot/users
for account in $LAB_ACCOUNTS; do
  user=${account%%:*}
  useradd --create-home --shell /bin/bash "$user"
  for folder in cur new tmp; do
    install -d -o "$user" -g "$user" -m 0700 "/home/$user/Maildir" "/home/$user/Maildir/$folder"
  done
  echo "$account" >> /etc/dovecot/users
done
chown root:dovecot /etc/dovecot/users
chmod 0640 /etc/dovecot/users
chmod 0440 /etc/sudoers.d/triage

# --- mail
printf 'postmaster: alice\nroot: alice\nmailer-daemon: postmaster\n' > /etc/aliases
newaliases
chmod 0644 /etc/postfix/main.cf /etc/dovecot/local.conf /etc/opendkim.conf
postconf -M 'submission/inet=submission inet n - y - - smtpd'
postconf -P 'submission/inet/syslog_name=postfix/submission' \
            'submission/inet/smtpd_tls_security_level=encrypt' \
            'submission/inet/smtpd_sasl_auth_enable=yes' \
            'submission/inet/smtpd_relay_restrictions=permit_sasl_authenticated,reject'
install -d -m 0755 /etc/ssl/mail
install -d -o opendkim -g opendkim -m 0700 /etc/dkimkeys
openssl genrsa -out /etc/dkimkeys/lab.private 2048 2>/dev/null
chown opendkim:opendkim /etc/dkimkeys/lab.private
chmod 0600 /etc/dkimkeys/lab.private
rm -f /etc/unbound/unbound.conf.d/root-auto-trust-anchor-file.conf /etc/unbound/unbound.conf.d/remote-control.conf
mkdir -p /etc/systemd/system/unbound.service.d
# The packaged helper fetches a trust anchor from the outside world, which is not there.
printf '[Service]\nExecStartPre=\n' > /etc/systemd/system/unbound.service.d/lab.conf

# --- a resolver table of all possible lab hosts, included by unbound
table=/etc/unbound/lab-hosts.conf
: > "$table"
name_host() {   # name_host NAME ADDRESS
  {
    echo "local-data: \"$1.$LAB_DOMAIN. A $2\""
    echo "local-data: \"$1.$LAB_DOMAIN. MX 10 $1.$LAB_DOMAIN.\""
    echo "local-data-ptr: \"$2 $1.$LAB_DOMAIN\""
  } >> "$table"
}
number=1
while [ "$number" -le 40 ]; do
  name_host "mail$number" "192.0.2.$((10 + number))"
  number=$((number + 1))
done
name_host dept-a 198.51.100.11
name_host dept-b 198.51.100.139
name_host controller 192.0.2.2
unbound-checkconf >/dev/null

# --- the system: quick to boot, quiet, and no work of its own in the middle of a measurement
rm -f /etc/ssh/ssh_host_*
ssh-keygen -q -t ed25519 -N '' -C lab -f /etc/ssh/ssh_host_ed25519_key
: > /etc/machine-id
rm -f /var/lib/dbus/machine-id /etc/hostname
systemctl -q enable ssh dovecot postfix opendkim unbound rsyslog
# Installed for single faults and for comparison; each is started by who needs it.
systemctl -q disable acct.service nftables.service fail2ban.service monit.service smartmontools.service 2>/dev/null || true
systemctl -q mask getty.target console-getty.service systemd-logind.service systemd-networkd.service \
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer e2scrub_all.timer e2scrub_reap.service \
  systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-firstboot.service \
  systemd-binfmt.service systemd-hwdb-update.service systemd-pcrphase.service systemd-pcrphase-sysinit.service \
  unbound-resolvconf.service ldconfig.service
systemctl -q set-default multi-user.target
# A login under pam_systemd would leave closing sessions behind by the hundred.
sed -i '/pam_systemd/d' /etc/pam.d/common-session
apt-get clean
rm -rf /var/lib/apt/lists/* /var/log/*.log /var/log/apt
